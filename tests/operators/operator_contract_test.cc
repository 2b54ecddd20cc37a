// What operator.h promises, for every operator: the same rows in the same places however the input is cut, with room
// for a single batch of a single row at a time, and after a restore in the middle.
#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/table.h>
#include <gtest/gtest.h>

#include <functional>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "sabot/operators/data_quality.h"
#include "sabot/operators/filter.h"
#include "sabot/operators/kernel_operator.h"
#include "sabot/operators/map.h"
#include "sabot/operators/partition_check.h"
#include "sabot/operators/project.h"
#include "tests/operators/sample_ticks.h"

namespace sabot::operators {
namespace {

using data::Batch;

constexpr int64_t kRows = 500;

// Takes whatever comes, and never has room for more.
class NoRoom final : public Output {
 public:
  arrow::Result<Progress> Emit(Batch batch, int port) override {
    EXPECT_EQ(port, 0);
    EXPECT_GT(batch.num_rows(), 0);
    EXPECT_EQ(batch.places.rows(), batch.num_rows());
    ++emitted_;
    for (int64_t row = 0; row < batch.num_rows(); ++row) places.push_back(batch.places.at(row));
    batches.push_back(std::move(batch.rows));
    return Progress::kMore;
  }
  int64_t TakeEmitted() { return std::exchange(emitted_, 0); }

  arrow::RecordBatchVector batches;
  std::vector<data::Place> places;

 private:
  int64_t emitted_ = 0;
};

struct Case {
  std::string name;
  OperatorFactory make;
};

ExpressionPtr Parsed(std::string_view text) { return *ParseExpression(text); }

template <class Made>
OperatorFactory Factory(std::function<Made(const OperatorContext&)> make) {
  return [make](const OperatorContext& context) -> arrow::Result<std::unique_ptr<Operator>> {
    return std::make_unique<Made>(make(context));
  };
}

// Every other row twice, one batch a row: a function that gives much for little.
arrow::Result<arrow::RecordBatchVector> Multiply(const Batch& batch) {
  arrow::RecordBatchVector rows;
  for (int64_t row = 0; row < batch.num_rows(); ++row) {
    for (int64_t copies = batch.places.at(row).offset % 2 * 2; copies > 0; --copies) {
      rows.push_back(batch.rows->Slice(row, 1));
    }
  }
  return rows;
}

std::vector<Case> Cases() {
  const auto schema = SampleTicks({.rows = 1})->schema();
  std::vector<NamedExpression> columns =
      WithColumns(*schema, {{.name = "notional", .expression = Parsed("price * volume")}});
  return {
      {"filter", Factory<Filter>([](const OperatorContext& context) { return Filter(Parsed("volume > 3"), context); })},
      {"require",
       Factory<Filter>([](const OperatorContext& context) { return Filter(Parsed("volume > 3"), "", context); })},
      {"project", Factory<Project>([columns](const OperatorContext&) { return Project("with_columns", columns); })},
      {"kernel", Factory<KernelOperator>([](const OperatorContext& context) {
         return KernelOperator(*KernelChain::Make({{.kernel = "ewma", .options = {{"alpha", 0.1}}},
                                                   {.kernel = "midprice", .outputs = {{"midprice", "mid"}}},
                                                   {.kernel = "rolling_std", .options = {{"window", int64_t{7}}}}}),
                               context);
       })},
      {"map", Factory<Map>([schema](const OperatorContext&) {
         return Map({.name = "map same", .output = schema},
                    [](const Batch& batch) { return arrow::RecordBatchVector{batch.rows}; });
       })},
      {"flat_map", Factory<Map>([schema](const OperatorContext&) {
         return Map({.name = "flat_map multiply", .output = schema, .keeps_rows = false}, Multiply);
       })},
      {"data_quality", Factory<DataQuality>([](const OperatorContext& context) { return DataQuality({}, context); })},
      {"partition_check", Factory<PartitionCheck>([](const OperatorContext& context) {
         return PartitionCheck({.by = {"symbol"}, .source = "sample", .partitions = {}}, context);
       })},
  };
}

struct Made {
  std::shared_ptr<arrow::Table> rows;
  std::vector<data::Place> places;
  std::vector<std::shared_ptr<arrow::Table>> state;
};

// Runs the sample in batches of `cut` rows; at row `restore_at` the operator is replaced by a restored one.
Made RunCase(const Case& tried, int64_t cut, int64_t restore_at = -1) {
  const auto sample = SampleTicks({.rows = kRows});
  const OperatorContext context;
  auto op = *tried.make(context);
  const auto schema = (*op->Bind({sample->schema()})).front();
  NoRoom output;
  const auto drain = [&](arrow::Result<Progress> progress) {
    while (progress.ok() && *progress == Progress::kMore) {
      EXPECT_LE(output.TakeEmitted(), 1) << tried.name << " goes on after it was told that there is no room";
      progress = op->Resume(output);
    }
    EXPECT_LE(output.TakeEmitted(), 1) << tried.name;
    EXPECT_TRUE(progress.ok()) << progress.status();
  };
  const auto batch_at = [&](int64_t begin) {
    const auto rows = sample->Slice(begin, cut);
    return data::Batch{.rows = rows, .places = data::Places::OfSource(0, begin, rows->num_rows())};
  };
  for (int64_t begin = 0; begin < kRows; begin += cut) {
    if (restore_at >= 0 && begin >= restore_at) {
      restore_at = -1;
      // The frozen state is read when its operator has gone on, and is gone.
      const auto expected = *op->Snapshot();
      const auto frozen = *op->Freeze();
      NoRoom unused;
      auto progress = op->Process(0, batch_at(begin), unused);
      while (progress.ok() && *progress == Progress::kMore) progress = op->Resume(unused);
      op = *tried.make(context);
      std::vector<std::shared_ptr<arrow::Table>> state;
      for (const auto& reader : frozen) state.push_back(*reader->ToTable());
      EXPECT_EQ(state.size(), expected.size()) << tried.name;
      for (std::size_t i = 0; i < state.size(); ++i) {
        EXPECT_TRUE(state[i]->Equals(*expected[i], arrow::EqualOptions::Defaults().nans_equal(true))) << tried.name;
        EXPECT_TRUE(state[i]->schema()->Equals(*expected[i]->schema(), /*check_metadata=*/true)) << tried.name;
      }
      EXPECT_TRUE(op->Bind({sample->schema()}).ok());
      const auto restored = op->Restore(state);
      EXPECT_TRUE(restored.ok()) << restored;
    }
    drain(op->Process(0, batch_at(begin), output));
  }
  drain(op->OnTime(data::kEndPlace, output));
  return {.rows = *(*arrow::Table::FromRecordBatches(schema, output.batches))->CombineChunks(),
          .places = output.places,
          .state = *op->Snapshot()};
}

void ExpectSame(const Made& one, const Made& other, const std::string& what) {
  EXPECT_TRUE(one.rows->Equals(*other.rows, arrow::EqualOptions::Defaults().nans_equal(true))) << what;
  EXPECT_EQ(one.places, other.places) << what;
  ASSERT_EQ(one.state.size(), other.state.size()) << what;
  for (std::size_t i = 0; i < one.state.size(); ++i) {
    EXPECT_TRUE(one.state[i]->Equals(*other.state[i], arrow::EqualOptions::Defaults().nans_equal(true))) << what;
  }
}

TEST(OperatorContract, CutsChangeNothing) {
  for (const Case& tried : Cases()) {
    if (tried.name == "flat_map") continue;  // Places follow the cuts there; the rows are compared below.
    const Made whole = RunCase(tried, kRows);
    EXPECT_GT(whole.rows->num_rows(), 0) << tried.name;
    for (const int64_t cut : {1, 7, 100})
      ExpectSame(whole, RunCase(tried, cut), tried.name + ", cut " + std::to_string(cut));
  }
}

TEST(OperatorContract, AFlatMapsRowsComeOneBatchAtATime) {
  const Case tried = Cases()[5];
  ASSERT_EQ(tried.name, "flat_map");
  const Made whole = RunCase(tried, kRows);
  EXPECT_EQ(whole.rows->num_rows(), kRows);  // Half of the rows, twice.
  for (const int64_t cut : {1, 7, 100}) {
    const Made made = RunCase(tried, cut);
    EXPECT_TRUE(whole.rows->Equals(*made.rows, arrow::EqualOptions::Defaults().nans_equal(true))) << cut;
    for (std::size_t row = 1; row < made.places.size(); ++row) {  // No two rows have the same place.
      EXPECT_LT(made.places[row - 1], made.places[row]) << cut;
    }
  }
}

TEST(OperatorContract, ARestoredOneGoesOn) {
  for (const Case& tried : Cases()) ExpectSame(RunCase(tried, 50), RunCase(tried, 50, 200), tried.name);
}

// The tests above would not see an operator whose state did not matter.
TEST(OperatorContract, OperatorsSayWhetherTheyHaveState) {
  for (const Case& tried : Cases()) {
    const auto op = *tried.make(OperatorContext{});
    EXPECT_EQ(op->stateful(), tried.name == "require" || tried.name == "kernel" || tried.name.ends_with("map") ||
                                  tried.name == "data_quality" || tried.name == "partition_check")
        << tried.name;
  }
}

}  // namespace
}  // namespace sabot::operators
