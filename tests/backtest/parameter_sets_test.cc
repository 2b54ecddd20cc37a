#include "sabot/backtest/parameter_sets.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "sabot/data/errors.h"

namespace sabot::backtest {
namespace {

using Row = std::vector<std::optional<ParameterValue>>;
using data::ErrorKind;

ParameterValue Number(double value) { return ParameterValue{value}; }

template <typename T>
void ExpectOptionError(const arrow::Result<T>& result, const std::string& part) {
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(data::KindOf(result.status()), ErrorKind::kOption);
  EXPECT_NE(result.status().message().find(part), std::string::npos) << result.status().message();
}

std::vector<double> NumbersOf(const ParameterSets& sets, std::size_t column) {
  std::vector<double> numbers;
  for (const auto& set : sets.sets) numbers.push_back(std::get<double>(set[column].value()));
  return numbers;
}

// --- wrong use ---

TEST(GridSets, SaysWhatIsWrong) {
  ExpectOptionError(GridSets("{"), "are no JSON: '{'");
  ExpectOptionError(GridSets("[1]"), "found [1] where a grid {\"parameter\": [values]} is expected");
  ExpectOptionError(GridSets("{}"), "found {} where");
  ExpectOptionError(GridSets(R"({"a": 1})"), "parameter 'a' has 1 where a list of one or more values is expected");
  ExpectOptionError(GridSets(R"({"a": []})"), "parameter 'a' has [] where");
  ExpectOptionError(GridSets(R"({"a": [[1]]})"),
                    "parameter 'a' has the value [1]; a number, text, true, false or null");
  ExpectOptionError(GridSets(R"({"a": [1, 2, 1.0]})"), "parameter 'a' has the value 1.0 twice");
  ExpectOptionError(GridSets(R"({"a": [1e999]})"), "are no JSON");  // Beyond all doubles.
}

TEST(GridSets, HasAnEnd) {
  std::string grid = "{";
  for (int name = 0; name < 30; ++name) {
    grid += (name == 0 ? "\"p" : ", \"p") + std::to_string(name) + "\": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]";
  }
  ExpectOptionError(GridSets(grid + "}"), "sweep: 1e+30 parameter sets; from 1 to 10000000 are possible");
}

TEST(RandomSets, SaysWhatIsWrong) {
  const auto drawn = [](const std::string& range) { return RandomSets("{\"a\": " + range + "}", 1, 0); };
  ExpectOptionError(drawn("[1, 2]"), "parameter 'a' has the range [1,2]; expected is {\"uniform\": [low, high]}");
  ExpectOptionError(drawn(R"({"unifrom": [1, 2]})"), "which is no kind of range. Nearest names: 'uniform'");
  ExpectOptionError(drawn(R"({"uniform": [1]})"), "expected is");
  ExpectOptionError(drawn(R"({"uniform": ["1", 2]})"), "expected is");
  ExpectOptionError(drawn(R"({"uniform": [2, 1]})"), "its low end is above its high end");
  ExpectOptionError(drawn(R"({"uniform": [-1.7e308, 1.7e308]})"), "both ends have to be finite");
  ExpectOptionError(drawn(R"({"log_uniform": [0, 1]})"), "a logarithm needs ends above 0");
  ExpectOptionError(drawn(R"({"integer": [1, 2.5]})"), "whole numbers from -2^53 to 2^53");
  ExpectOptionError(drawn(R"({"integer": [1, 1e17]})"), "whole numbers from -2^53 to 2^53");
  ExpectOptionError(drawn(R"({"choice": []})"), "where a list of one or more values is expected");
  ExpectOptionError(RandomSets(R"({"a": {"uniform": [1, 2]}})", 0, 0), "sweep: 0 parameter sets; from 1 to");
}

TEST(ListSets, SaysWhatIsWrong) {
  ExpectOptionError(ListSets("[]"), "where a list of sets");
  ExpectOptionError(ListSets("{}"), "where a list of sets");
  ExpectOptionError(ListSets(R"([{"a": 1}, 2])"), "set 1 is 2 where an object");
  ExpectOptionError(ListSets(R"([{"a": {}}])"), "parameter 'a' has the value {}");
}

// --- edges ---

TEST(RandomSets, OfOnePoint) {
  const auto drawn = RandomSets(R"({"a": {"uniform": [3, 3]}, "b": {"log_uniform": [5, 5]}, "c": {"integer": [-2, -2]},
                                    "d": {"choice": ["fifo"]}})",
                                3, 1)
                         .ValueOrDie();
  const Row row = {Number(3), Number(5), Number(-2), ParameterValue{std::string("fifo")}};
  EXPECT_EQ(drawn.sets, std::vector<Row>(3, row));
}

TEST(ListSets, RefusesASetThatStandsTwice) {
  EXPECT_EQ(ListSets(R"([{"a": 1, "b": "x"}, {"a": 2}, {"b": "x", "a": 1.0}])").status().message(),
            "sweep: set 2 is the same as set 0: {\"b\":\"x\",\"a\":1.0}. Leave one out.");
  ExpectOptionError(ListSets("[{}, {}]"), "sweep: set 1 is the same as set 0");
  EXPECT_TRUE(ListSets(R"([{"a": null}, {}, {"a": 0}, {"a": false}, {"a": "0"}])").ok());
}

TEST(ListSets, LeavesWhatASetDoesNotGive) {
  const auto listed = ListSets(R"([{}, {"b": null}, {"a": 2, "b": false}])").ValueOrDie();
  EXPECT_EQ(listed.names, (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(listed.sets,
            (std::vector<Row>{
                {std::nullopt, std::nullopt}, {ParameterValue{}, std::nullopt}, {ParameterValue{false}, Number(2)}}));
  EXPECT_TRUE(listed.Set(0).empty());
  EXPECT_EQ(listed.Set(1), (Settings::Values{{"b", ParameterValue{}}}));
  EXPECT_EQ(listed.ToJson(), R"([["b","a"],[[{},{}],[null,{}],[false,2.0]]])");
}

// --- values ---

TEST(GridSets, TheLastNameChangesFastest) {
  const auto grid = GridSets(R"({"b": [1, 2], "a": [0.5, null, "x"]})").ValueOrDie();
  EXPECT_EQ(grid.names, (std::vector<std::string>{"b", "a"}));
  const ParameterValue none;
  const ParameterValue x = std::string("x");
  EXPECT_EQ(grid.sets, (std::vector<Row>{{Number(1), Number(0.5)},
                                         {Number(1), none},
                                         {Number(1), x},
                                         {Number(2), Number(0.5)},
                                         {Number(2), none},
                                         {Number(2), x}}));
}

// Computed in Python from the definition in the header.
TEST(RandomSets, AreWhatTheDefinitionSays) {
  const auto drawn = RandomSets(R"({"a": {"uniform": [0, 1]}, "n": {"integer": [10, 12]}, "x": {"uniform": [0.5, 2]},
                                    "log": {"log_uniform": [30, 600]}, "c": {"choice": ["a", "b", "c"]}})",
                                6, 7)
                         .ValueOrDie();
  EXPECT_EQ(NumbersOf(drawn, 0)[0], 0.29748262610956566);
  EXPECT_EQ(NumbersOf(drawn, 0)[3], 0.05388990439854646);
  EXPECT_EQ(NumbersOf(drawn, 1), (std::vector<double>{10, 10, 11, 12, 10, 10}));
  EXPECT_EQ(NumbersOf(drawn, 2)[1], 0.7678441638612377);
  EXPECT_NEAR(NumbersOf(drawn, 3)[0], 30.491747744939943, 1e-13);
  EXPECT_NEAR(NumbersOf(drawn, 3)[2], 59.39501654670585, 1e-13);
  std::string letters;
  for (const auto& set : drawn.sets) letters += std::get<std::string>(set[4].value());
  EXPECT_EQ(letters, "caaaab");
}

TEST(RandomSets, KeepTheirValuesAsSamplesAndParametersAreAdded) {
  const auto few = RandomSets(R"({"a": {"uniform": [0, 1]}})", 10, 3).ValueOrDie();
  const auto many = RandomSets(R"({"b": {"integer": [0, 9]}, "a": {"uniform": [0, 1]}})", 1'000, 3).ValueOrDie();
  for (std::size_t set = 0; set < 10; ++set) EXPECT_EQ(few.sets[set][0], many.sets[set][1]);
  EXPECT_NE(few.sets, RandomSets(R"({"a": {"uniform": [0, 1]}})", 10, 4).ValueOrDie().sets);
}

TEST(RandomSets, FillTheirRange) {
  const auto drawn = RandomSets(R"({"u": {"uniform": [-1, 3]}, "i": {"integer": [1, 4]},
                                    "l": {"log_uniform": [1, 10000]}})",
                                40'000, 5)
                         .ValueOrDie();
  double sum = 0;
  int64_t counts[5] = {};
  int64_t below_hundred = 0;
  for (const auto& set : drawn.sets) {
    const double uniform = std::get<double>(set[0].value());
    ASSERT_TRUE(uniform >= -1 && uniform <= 3);
    sum += uniform;
    ++counts[static_cast<int>(std::get<double>(set[1].value()))];
    below_hundred += std::get<double>(set[2].value()) < 100 ? 1 : 0;
  }
  EXPECT_NEAR(sum / 40'000, 1, 0.03);  // Five standard errors.
  for (int value = 1; value <= 4; ++value) EXPECT_NEAR(static_cast<double>(counts[value]), 10'000, 450);
  EXPECT_NEAR(static_cast<double>(below_hundred), 20'000, 500);
}

}  // namespace
}  // namespace sabot::backtest
