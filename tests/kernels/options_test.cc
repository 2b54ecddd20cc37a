#include "sabot/kernels/options.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <string>
#include <vector>

#include "sabot/data/errors.h"

namespace sabot::kernels {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

enum class Mode : int8_t { kFast, kExact };

// One option of each type.
struct Everything {
  static constexpr std::array<std::string_view, 2> kModes = {"fast", "exact"};
  int64_t window = 20;
  std::optional<int64_t> min_periods = std::nullopt;
  double alpha = 0.5;
  bool reset = true;
  Mode mode = Mode::kFast;
  std::optional<HalfLife> halflife = std::nullopt;
  static constexpr std::tuple kOptions{Option{"window", &Everything::window, "Rows.", Rows()},
                                       Option{"min_periods", &Everything::min_periods, "Rows at least.", Rows()},
                                       Option{"alpha", &Everything::alpha, "Weight.", AboveUpTo(0, 1)},
                                       Option{"reset", &Everything::reset, "Whether to reset."},
                                       Option{"mode", &Everything::mode, "How.", Range{}, kModes},
                                       Option{"halflife", &Everything::halflife, "Time.", Above(0)}};
};

struct Limited {
  double most = 1, least = 1;
  static constexpr std::tuple kOptions{Option{"most", &Limited::most, "Upper limit."},
                                       Option{"least", &Limited::least, "Lower limit."}};
};

arrow::Result<Everything> Parse(const OptionMap& values) { return ParseOptions<Everything>("kernel", values); }

std::string RefusalOf(const OptionMap& values) {
  const auto status = Parse(values).status();
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kOption);
  return status.message();
}

OptionMap One(std::string name, OptionValue value) { return {{std::move(name), std::move(value)}}; }

TEST(ParseOptions, RefusesUnknownNames) {
  EXPECT_EQ(RefusalOf(One("windw", int64_t{5})), "kernel: unknown option 'windw'. Nearest names: 'window'.");
  EXPECT_EQ(
      RefusalOf(One("period", int64_t{5})),
      "kernel: unknown option 'period'. Known names: 'window', 'min_periods', 'alpha', 'reset', 'mode', 'halflife'.");
  EXPECT_EQ(ParseOptions<NoOptions>("midprice", One("window", int64_t{5})).status().message(),
            "midprice: unknown option 'window'. It takes none.");
}

TEST(ParseOptions, RefusesOtherTypes) {
  EXPECT_EQ(RefusalOf(One("window", 5.0)), "kernel: option 'window' must be an integer, found 5.");
  EXPECT_EQ(RefusalOf(One("window", true)), "kernel: option 'window' must be an integer, found True.");
  EXPECT_EQ(RefusalOf(One("window", std::monostate{})), "kernel: option 'window' must be an integer, found None.");
  EXPECT_EQ(RefusalOf(One("min_periods", std::string("5"))),
            "kernel: option 'min_periods' must be an integer, found '5'.");
  EXPECT_EQ(RefusalOf(One("alpha", std::string("5"))), "kernel: option 'alpha' must be a number, found '5'.");
  EXPECT_EQ(RefusalOf(One("alpha", true)), "kernel: option 'alpha' must be a number, found True.");
  EXPECT_EQ(RefusalOf(One("reset", int64_t{1})), "kernel: option 'reset' must be true or false, found 1.");
  EXPECT_EQ(RefusalOf(One("mode", int64_t{1})), "kernel: option 'mode' must be a string, found 1.");
}

TEST(ParseOptions, RefusesValuesOutOfRange) {
  EXPECT_EQ(RefusalOf(One("window", int64_t{0})), "kernel: option 'window' must be in [1, 16777216], found 0.");
  EXPECT_EQ(RefusalOf(One("min_periods", int64_t{-1})),
            "kernel: option 'min_periods' must be in [1, 16777216], found -1.");
  EXPECT_EQ(RefusalOf(One("alpha", 0.0)), "kernel: option 'alpha' must be in (0, 1], found 0.");
  EXPECT_EQ(RefusalOf(One("alpha", kNan)), "kernel: option 'alpha' must be in (0, 1], found nan.");
  EXPECT_EQ(RefusalOf(One("mode", std::string("slow"))),
            "kernel: option 'mode' must be 'fast' or 'exact', found 'slow'.");
  EXPECT_EQ(RefusalOf(One("halflife", 0.0)), "kernel: option 'halflife' must be > 0 and finite, found 0.");
  EXPECT_EQ(RefusalOf(One("halflife", kInfinity)), "kernel: option 'halflife' must be > 0 and finite, found inf.");
  EXPECT_EQ(
      RefusalOf(One("halflife", std::string("5 s"))),
      "kernel: option 'halflife': '5 s' is no duration. Write a positive integer and one of ns, us, ms, s, m, h, d, "
      "such as \"500ms\" or \"5s\" (below 2^63 ns).");
}

TEST(ParseOptions, KeepsDefaultsOfWhatIsNotGiven) {
  const auto options = Parse({}).ValueOrDie();
  EXPECT_EQ(options.window, 20);
  EXPECT_EQ(options.min_periods, std::nullopt);
  EXPECT_EQ(options.alpha, 0.5);
  EXPECT_TRUE(options.reset);
  EXPECT_EQ(options.mode, Mode::kFast);
  EXPECT_EQ(options.halflife, std::nullopt);
}

TEST(ParseOptions, TakesEachType) {
  const auto options = Parse({{"window", int64_t{5}},
                              {"min_periods", int64_t{3}},
                              {"alpha", int64_t{1}},  // An integer is a number, too.
                              {"reset", false},
                              {"mode", std::string("exact")},
                              {"halflife", std::string("30s")}})
                           .ValueOrDie();
  EXPECT_EQ(options.window, 5);
  EXPECT_EQ(options.min_periods, 3);
  EXPECT_EQ(options.alpha, 1);
  EXPECT_FALSE(options.reset);
  EXPECT_EQ(options.mode, Mode::kExact);
  EXPECT_EQ(options.halflife, (HalfLife{.ns = 30'000'000'000}));
  EXPECT_EQ(Parse(One("halflife", 2.5)).ValueOrDie().halflife, (HalfLife{.rows = 2.5}));
  EXPECT_EQ(Parse(One("halflife", std::monostate{})).ValueOrDie().halflife, std::nullopt);
}

TEST(OptionsToMap, GivesBackWhatWasParsed) {
  const OptionMap values = {{"window", int64_t{5}},
                            {"alpha", 0.25},
                            {"reset", false},
                            {"mode", std::string("exact")},
                            {"halflife", std::string("90s")}};
  EXPECT_EQ(OptionsToMap(Parse(values).ValueOrDie()), values);
  EXPECT_EQ(OptionsToMap(Everything{}),
            (OptionMap{{"window", int64_t{20}}, {"alpha", 0.5}, {"reset", true}, {"mode", std::string("fast")}}));
}

TEST(DescribeOptions, TellsTypeDefaultAndRange) {
  const auto infos = DescribeOptions<Everything>();
  ASSERT_EQ(infos.size(), 6u);
  std::vector<std::string> lines;
  for (const auto& info : infos) {
    lines.push_back(info.name + ": " + info.type + " = " + ToString(info.default_value) + " (" + info.range + ") " +
                    info.doc);
  }
  EXPECT_EQ(lines, (std::vector<std::string>{"window: int = 20 (in [1, 16777216]) Rows.",
                                             "min_periods: int | None = None (in [1, 16777216]) Rows at least.",
                                             "alpha: float = 0.5 (in (0, 1]) Weight.",
                                             "reset: bool = True () Whether to reset.",
                                             "mode: str = 'fast' ('fast' or 'exact') How.",
                                             "halflife: float | str | None = None (> 0 and finite) Time."}));
}

TEST(Range, ContainsItsClosedBounds) {
  EXPECT_TRUE(Between(1, 2).Contains(1));
  EXPECT_TRUE(Between(1, 2).Contains(2));
  EXPECT_FALSE(Between(1, 2).Contains(2.5));
  EXPECT_FALSE(AboveUpTo(1, 2).Contains(1));
  EXPECT_TRUE(AboveUpTo(1, 2).Contains(2));
  EXPECT_TRUE(AtLeast(0).Contains(0));
  EXPECT_FALSE(Above(0).Contains(0));
}

TEST(Range, ContainsInfinityOnlyUnbounded) {
  for (const auto& range : {Finite(), AtLeast(0), Above(0), Rows()}) EXPECT_FALSE(range.Contains(kInfinity));
  EXPECT_FALSE(Finite().Contains(-kInfinity));
  EXPECT_TRUE(Range{}.Contains(kInfinity));
  for (const auto& range : {Finite(), AtLeast(0), Range{}}) EXPECT_FALSE(range.Contains(kNan));
}

TEST(Range, ReadsAsInAMessage) {
  EXPECT_EQ(Between(0, 1).ToString(), "in [0, 1]");
  EXPECT_EQ(AboveUpTo(0, 1).ToString(), "in (0, 1]");
  EXPECT_EQ((Range{.least = 0, .most = 1, .most_open = true}.ToString()), "in [0, 1)");
  EXPECT_EQ(AtLeast(1).ToString(), ">= 1 and finite");
  EXPECT_EQ(Above(0.5).ToString(), "> 0.5 and finite");
  EXPECT_EQ((Range{.least = 0}.ToString()), ">= 0");
  EXPECT_EQ((Range{.most = 7}.ToString()), "<= 7");
  EXPECT_EQ(Finite().ToString(), "finite");
  EXPECT_EQ(Range{}.ToString(), "");
}

TEST(Duration, IsAPositiveIntegerAndAUnit) {
  for (const auto* text : {"", "5", "s", "0s", "-5s", "+5s", "1.5s", "5 s", " 5s", "5s ", "5S", "5min", "1e3s", "5ss",
                           "1h30m", "9223372036854775808ns", "9223372036854775807us", "106752d"}) {
    const auto parsed = ParseDuration(text);
    EXPECT_FALSE(parsed.ok()) << text;
    EXPECT_EQ(data::KindOf(parsed.status()), data::ErrorKind::kOption) << text;
  }
}

TEST(Duration, IsParsedAsNanoseconds) {
  EXPECT_EQ(ParseDuration("1ns").ValueOrDie(), 1);
  EXPECT_EQ(ParseDuration("2us").ValueOrDie(), 2'000);
  EXPECT_EQ(ParseDuration("500ms").ValueOrDie(), 500'000'000);
  EXPECT_EQ(ParseDuration("5s").ValueOrDie(), 5'000'000'000);
  EXPECT_EQ(ParseDuration("2m").ValueOrDie(), 120'000'000'000);
  EXPECT_EQ(ParseDuration("1h").ValueOrDie(), 3'600'000'000'000);
  EXPECT_EQ(ParseDuration("1d").ValueOrDie(), 86'400'000'000'000);
  EXPECT_EQ(ParseDuration("9223372036854775807ns").ValueOrDie(), kMost);
  EXPECT_EQ(ParseDuration("106751d").ValueOrDie(), 106'751 * int64_t{86'400'000'000'000});
}

TEST(Duration, IsPrintedInTheLargestUnit) {
  for (const auto* text :
       {"1ns", "999ns", "1us", "1500us", "1ms", "90s", "1m", "90m", "25h", "1d", "9223372036854775807ns"}) {
    EXPECT_EQ(FormatDuration(ParseDuration(text).ValueOrDie()), text);
  }
  EXPECT_EQ(FormatDuration(ParseDuration("3600s").ValueOrDie()), "1h");
}

TEST(OptionsJson, KeepsTypesOrderAndBits) {
  const OptionMap options = {{"z", int64_t{3}},
                             {"a", 3.0},
                             {"tenth", 0.1},
                             {"third", 1.0 / 3},
                             {"small", 5e-324},
                             {"large", std::numeric_limits<double>::max()},
                             {"most", kMost},
                             {"least", std::numeric_limits<int64_t>::min()},
                             {"flag", true},
                             {"text", std::string("\"5s\" \\ \xC3\xA9")},
                             {"none", std::monostate{}}};
  EXPECT_EQ(OptionsFromJson(OptionsToJson(options)).ValueOrDie(), options);
  EXPECT_EQ(OptionsToJson({{"window", int64_t{5}}, {"alpha", 1.0}}), R"({"window":5,"alpha":1.0})");
  EXPECT_EQ(OptionsToJson({}), "{}");
}

// JSON has no infinity: text, which a number may be given as.
TEST(OptionsJson, KeepsWhatIsInfinite) {
  const OptionMap options = {{"most", kInfinity}, {"least", -kInfinity}};
  const auto json = OptionsToJson(options);
  EXPECT_EQ(json, R"({"most":"inf","least":"-inf"})");
  EXPECT_EQ(OptionsToMap(ParseOptions<Limited>("kernel", OptionsFromJson(json).ValueOrDie()).ValueOrDie()), options);
  EXPECT_EQ(RefusalOf(One("alpha", std::string("inf"))), "kernel: option 'alpha' must be in (0, 1], found inf.");
  EXPECT_EQ(RefusalOf(One("alpha", std::string("nan"))), "kernel: option 'alpha' must be a number, found 'nan'.");
}

TEST(OptionsJson, RefusesWhatIsNoFlatObject) {
  for (const auto* text : {"", "[1]", "5", "{\"a\":", "{\"a\": 1} x"}) {
    EXPECT_EQ(OptionsFromJson(text).status().message(), std::string("options are no JSON object: ") + text);
  }
  EXPECT_EQ(OptionsFromJson(R"({"a": [1]})").status().message(),
            "option 'a' is neither a number, a string, true, false nor null: [1]");
  EXPECT_EQ(OptionsFromJson(R"({"a": {}})").status().message(),
            "option 'a' is neither a number, a string, true, false nor null: {}");
}

TEST(OptionsJson, RefusesIntegersBeyondInt64) {
  EXPECT_EQ(OptionsFromJson(R"({"a": 9223372036854775808})").status().message(),
            "option 'a' must be below 2^63: 9223372036854775808");
  EXPECT_EQ(OptionsFromJson(R"({"a": 9223372036854775807})").ValueOrDie(), (OptionMap{{"a", kMost}}));
}

}  // namespace
}  // namespace sabot::kernels
