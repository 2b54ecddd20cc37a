#include "tests/simulation/random_job.h"

#include <arrow/array.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/util.h>
#include <arrow/compute/cast.h>
#include <arrow/scalar.h>
#include <arrow/util/checked_cast.h>

#include <algorithm>
#include <deque>
#include <random>
#include <string>
#include <vector>

#include "sabot/data/gather.h"
#include "tests/operators/sample_ticks.h"

namespace sabot::simulation {
namespace {

using engine::Stream;
using operators::Progress;

// Gives row n of a batch as many times as its offset says, one batch a row, as long as there is room.
class Repeat final : public operators::Operator {
 public:
  explicit Repeat(OperatorDefect defect) : defect_(defect) {}
  std::string_view name() const override { return "repeat"; }
  arrow::Result<operators::SchemaVector> Bind(const operators::SchemaVector& inputs) override { return inputs; }
  bool needs_places() const override { return true; }
  arrow::Result<Progress> Process(int, const data::Batch& batch, operators::Output& output) override {
    batches_.push_back(batch);
    return Resume(output);
  }
  arrow::Result<Progress> Resume(operators::Output& output) override {
    for (; !batches_.empty(); batches_.pop_front(), row_ = 0) {
      const data::Batch& batch = batches_.front();
      for (; row_ < batch.num_rows(); ++row_, copy_ = 0) {
        const data::Place place = batch.places.at(row_);
        const int64_t copies = place.path != 0 ? 1 : place.offset % 4;
        while (copy_ < copies) {
          auto one = batch.Slice(row_, 1);
          if (place.path == 0) {
            ARROW_ASSIGN_OR_RAISE(one.places, data::Places::MadeOf(place, copy_, 1));
          }
          ++copy_;
          ARROW_ASSIGN_OR_RAISE(const auto progress, output.Emit(std::move(one)));
          if (progress == Progress::kMore) return Full(place);
        }
      }
    }
    return Progress::kDone;
  }

 private:
  Progress Full(const data::Place& place) {
    if (place.offset % 32 != 3) return Progress::kMore;
    if (defect_ == OperatorDefect::kForgetsMore) batches_.clear();
    if (!batches_.empty()) return Progress::kMore;
    row_ = copy_ = 0;
    return Progress::kDone;
  }

  OperatorDefect defect_;
  std::deque<data::Batch> batches_;  // Of which these rows and copies are still to be given.
  int64_t row_ = 0;
  int64_t copy_ = 0;
};

// Keeps the last row of each batch for later without saying so.
class HidesMore final : public operators::Operator {
 public:
  explicit HidesMore(OperatorDefect) {}
  std::string_view name() const override { return "hides_more"; }
  bool stateful() const override { return true; }
  arrow::Result<operators::SchemaVector> Bind(const operators::SchemaVector& inputs) override { return inputs; }
  arrow::Result<Progress> Process(int, const data::Batch& batch, operators::Output& output) override {
    if (batch.num_rows() == 0) return Progress::kDone;
    next_ = batch;
    if (hidden_.rows == nullptr) return Resume(output);
    ARROW_RETURN_NOT_OK(output.Emit(std::exchange(hidden_, {})).status());
    return Progress::kMore;
  }
  arrow::Result<Progress> Resume(operators::Output& output) override {
    hidden_ = next_.Slice(next_.num_rows() - 1, 1);
    if (next_.num_rows() > 1) ARROW_RETURN_NOT_OK(output.Emit(next_.Slice(0, next_.num_rows() - 1)).status());
    return Progress::kDone;
  }
  arrow::Result<Progress> OnTime(const data::Place& frontier, operators::Output& output) override {
    if (frontier < data::kEndPlace || hidden_.rows == nullptr) return Progress::kDone;
    ARROW_RETURN_NOT_OK(output.Emit(std::exchange(hidden_, {})).status());
    return Progress::kDone;
  }

 private:
  data::Batch next_;
  data::Batch hidden_;
};

// Counts rows, by which it is known which of them a state had seen.
class Counted final : public operators::Operator {
 public:
  explicit Counted(OperatorDefect defect) : freezes_late_(defect == OperatorDefect::kFreezesLate) {}
  std::string_view name() const override { return "counted"; }
  bool stateful() const override { return true; }
  arrow::Result<operators::SchemaVector> Bind(const operators::SchemaVector& inputs) override {
    auto fields = inputs.front()->fields();
    fields.push_back(arrow::field("counted_" + std::to_string(fields.size()), arrow::int64()));
    schema_ = arrow::schema(fields);
    return operators::SchemaVector{schema_};
  }
  arrow::Result<Progress> Process(int, const data::Batch& batch, operators::Output& output) override {
    arrow::Int64Builder numbers;
    for (int64_t row = 0; row < batch.num_rows(); ++row) ARROW_RETURN_NOT_OK(numbers.Append(++*count_));
    auto columns = batch.rows->columns();
    ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), numbers.Finish());
    data::Batch counted = batch;
    counted.rows = arrow::RecordBatch::Make(schema_, batch.num_rows(), std::move(columns));
    ARROW_RETURN_NOT_OK(output.Emit(std::move(counted)).status());
    return Progress::kDone;
  }
  arrow::Result<std::vector<std::shared_ptr<arrow::Table>>> Snapshot() const override {
    ARROW_ASSIGN_OR_RAISE(auto table, TableOf(*count_));
    return std::vector{std::move(table)};
  }
  arrow::Status Restore(const std::vector<std::shared_ptr<arrow::Table>>& tables) override {
    ARROW_ASSIGN_OR_RAISE(const auto rows, tables.front()->CombineChunksToBatch());
    *count_ = rows->column_data(0)->GetValues<int64_t>(1)[0];
    return arrow::Status::OK();
  }
  arrow::Result<operators::FrozenState> Freeze() override {
    if (!freezes_late_) return Operator::Freeze();
    return operators::FrozenState{std::make_shared<LateReader>(count_)};
  }

 private:
  static arrow::Result<std::shared_ptr<arrow::Table>> TableOf(int64_t count) {
    ARROW_ASSIGN_OR_RAISE(auto array, arrow::MakeArrayFromScalar(arrow::Int64Scalar(count), 1));
    return arrow::Table::Make(arrow::schema({arrow::field("count", arrow::int64())}), {std::move(array)});
  }
  class LateReader final : public arrow::RecordBatchReader {
   public:
    explicit LateReader(std::shared_ptr<int64_t> count) : count_(std::move(count)) {}
    std::shared_ptr<arrow::Schema> schema() const override {
      return arrow::schema({arrow::field("count", arrow::int64())});
    }
    arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
      *batch = nullptr;
      if (count_ == nullptr) return arrow::Status::OK();
      ARROW_ASSIGN_OR_RAISE(const auto table, TableOf(*count_));
      count_ = nullptr;
      return table->CombineChunksToBatch().Value(batch);
    }

   private:
    std::shared_ptr<int64_t> count_;
  };

  bool freezes_late_;
  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<int64_t> count_ = std::make_shared<int64_t>(0);
};

class Chooser {
 public:
  explicit Chooser(uint64_t seed) : random_(seed) {}
  int64_t Between(int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(random_); }
  bool OneIn(int64_t n) { return Between(1, n) == 1; }
  template <class T>
  const T& Of(const std::vector<T>& choices) {
    return choices[static_cast<std::size_t>(Between(0, static_cast<int64_t>(choices.size()) - 1))];
  }

 private:
  std::mt19937_64 random_;
};

std::shared_ptr<arrow::RecordBatch> Rows(Chooser& choose, uint64_t seed) {
  auto ticks = operators::SampleTicks({.rows = choose.OneIn(8) ? 0 : choose.Between(1, 300),
                                       .symbols = static_cast<int>(choose.Between(1, 12)),
                                       .seed = seed,
                                       .missing = choose.OneIn(2) ? 0.0 : 0.05});
  arrow::FieldVector fields;
  arrow::ArrayVector columns;
  for (const std::string name : {"symbol", "timestamp", "price", "volume", "bid", "ask", "bid_size", "ask_size"}) {
    fields.push_back(ticks->schema()->GetFieldByName(name));
    columns.push_back(ticks->GetColumnByName(name));
  }
  return arrow::RecordBatch::Make(arrow::schema(fields), ticks->num_rows(), columns);
}

arrow::RecordBatchVector Cut(const std::shared_ptr<arrow::RecordBatch>& rows, Events* events) {
  arrow::RecordBatchVector batches;
  for (int64_t begin = 0; begin < rows->num_rows();) {
    const int64_t count = events == nullptr ? rows->num_rows() : static_cast<int64_t>(1 + events->Below(60));
    batches.push_back(rows->Slice(begin, count));
    begin += batches.back()->num_rows();
  }
  return batches;
}

class Maker {
 public:
  explicit Maker(const JobOptions& options)
      : options_(options), choose_(options.seed), ask_(~options.seed), count_(options.seed * 3 + 1) {}

  arrow::Result<Stream> Make() {
    const bool as_dictionary = choose_.OneIn(2);
    std::vector<Stream> streams;
    for (int64_t source = choose_.Between(1, 3); source > 0; --source) {
      ARROW_ASSIGN_OR_RAISE(auto stream, Source(as_dictionary));
      ARROW_ASSIGN_OR_RAISE(stream, Steps(stream, choose_.Between(0, 2), /*same_columns=*/true));
      streams.push_back(std::move(stream));
    }
    Stream stream = streams.front();
    if (streams.size() > 1) {
      ARROW_ASSIGN_OR_RAISE(stream, stream.Union({streams.begin() + 1, streams.end()}));
    }
    ARROW_ASSIGN_OR_RAISE(stream, Steps(stream, choose_.Between(1, 5), /*same_columns=*/false));
    if (options_.defect != OperatorDefect::kHidesMore) return stream;
    ARROW_ASSIGN_OR_RAISE(stream, stream.Parallelism(1));
    return stream.Apply("hides_more", {.make = MakerOf<HidesMore>(), .type = "hides_more"});
  }

 private:
  arrow::Result<Stream> Source(bool as_dictionary) {
    auto rows = Rows(choose_, options_.seed * 7 + sources_++);
    if (as_dictionary) {
      ARROW_ASSIGN_OR_RAISE(const auto encoded,
                            arrow::compute::Cast(*rows->column(0), arrow::dictionary(arrow::int32(), arrow::utf8())));
      ARROW_ASSIGN_OR_RAISE(rows, rows->SetColumn(0, arrow::field("symbol", encoded->type()), encoded));
    }
    auto open = [rows, events = options_.events](const auto&) -> arrow::Result<std::shared_ptr<connectors::Source>> {
      return std::make_shared<SimulatedSource>(Cut(rows, events.get()), rows->schema(), events);
    };
    return Stream::FromSource("rows", rows->schema(), {.partitions = {open}, .at_rest = choose_.OneIn(2)});
  }

  // How many copies a step has is drawn whether it is used or not, so that what follows is the same.
  arrow::Result<Stream> Parallel(const Stream& stream) {
    const int64_t copies = choose_.Between(0, 5);
    return stream.Parallelism(options_.events == nullptr ? 1 : static_cast<int>(copies));
  }

  arrow::Result<Stream> Steps(Stream stream, int64_t steps, bool same_columns) {
    for (; steps > 0; --steps) {
      ARROW_ASSIGN_OR_RAISE(stream, Parallel(stream));
      const int64_t kind = choose_.Between(0, same_columns ? 2 : 6);
      ARROW_ASSIGN_OR_RAISE(stream, Asked(stream, /*keyed=*/kind > 3));
      ARROW_ASSIGN_OR_RAISE(stream, Step(stream, kind));
      if (same_columns || !count_.OneIn(4)) continue;
      ARROW_ASSIGN_OR_RAISE(const auto any_number, stream.Parallelism(0));
      ARROW_ASSIGN_OR_RAISE(stream, any_number.Apply("counted", {.make = MakerOf<Counted>(), .type = "counted"}));
    }
    return stream;
  }

  template <class Operator>
  operators::OperatorFactory MakerOf() const {
    return [defect = options_.defect](const auto&) -> arrow::Result<std::unique_ptr<operators::Operator>> {
      return std::make_unique<Operator>(defect);
    };
  }

  // Now and then the way to the step is asked for: ranges of its key, or if it has none of a column with nulls; or
  // turns.
  arrow::Result<Stream> Asked(const Stream& stream, bool keyed) {
    if (options_.events == nullptr || !ask_.OneIn(4)) return stream;
    const bool in_turn = ask_.OneIn(3);
    if (in_turn && !keyed) return stream.Rebalanced();
    const int64_t bounds = ask_.Between(0, 3);
    const std::string column = keyed ? "symbol" : ask_.Of<std::string>({"symbol", "volume", "timestamp"});
    std::string json;
    const bool of_times = column == "timestamp";  // Which begin here, and go on by milliseconds.
    int64_t value = of_times ? 1'700'000'000'000'000'000 : 0;
    for (int64_t at = 0; at < bounds; ++at) {
      value += ask_.Between(1, of_times ? 100'000'000 : 3);
      const std::string number = std::to_string(value);
      json += (at == 0 ? "" : ", ") + (column == "symbol" ? "\"S" + number + "\"" : number);
    }
    ARROW_ASSIGN_OR_RAISE(const auto any_number, stream.Parallelism(0));
    return any_number.Ranged(column, "[" + json + "]");
  }

  arrow::Result<Stream> Step(const Stream& stream, int64_t kind) {
    const std::string name = "x" + std::to_string(names_++);
    switch (kind) {
      case 0:
        return stream.Filter(choose_.Of<std::string>({"price > 100", "volume >= 0", "bid < ask", "price < 0"}));
      case 1: {
        ARROW_ASSIGN_OR_RAISE(const auto value, operators::ParseExpression("coalesce(bid, price) + 1"));
        return stream.WithColumns({{.name = "price", .expression = value}});
      }
      case 2:
        return stream.Apply("repeat", {.make = MakerOf<Repeat>(), .type = "repeat", .keeps_columns = true});
      case 3: {
        ARROW_ASSIGN_OR_RAISE(const auto value, operators::ParseExpression("price * volume"));
        return stream.WithColumns({{.name = name, .expression = value}});
      }
      default: {
        const auto kernel = choose_.Of<std::string>({"ewma", "rolling_std", "ofi", "diff", "vwap"});
        operators::KernelSpec spec{.kernel = kernel};
        if (kernel == "ewma") spec.options = {{"alpha", 0.1}};
        if (kernel == "rolling_std") spec.options = {{"window", choose_.Between(2, 9)}};
        spec.outputs = {{kernel, name}};
        return stream.Kernel(spec);
      }
    }
  }

  const JobOptions& options_;
  Chooser choose_;
  // Of their own: the plain run asks for nothing, and has the same steps.
  Chooser ask_;
  Chooser count_;
  uint64_t sources_ = 0;
  int names_ = 0;
};

}  // namespace

arrow::Result<Stream> RandomJob(const JobOptions& options) { return Maker(options).Make(); }

}  // namespace sabot::simulation
