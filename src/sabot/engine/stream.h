// A pipeline: where rows come from, what happens to them, where they go. Immutable: each call returns a new stream,
// whose schema is known at once, so that a mistake is reported by the line that made it. Nothing runs before Run,
// Collect or one of the To functions, and a run holds a few batches at a time.
//
//   ARROW_ASSIGN_OR_RAISE(auto ticks, Stream::FromParquet("ticks.parquet"));
//   ARROW_ASSIGN_OR_RAISE(auto trades, ticks.Filter("volume > 0"));
//   ARROW_ASSIGN_OR_RAISE(auto features, trades.Kernel<kernels::Ewma>({.alpha = 0.06}));
//   ARROW_ASSIGN_OR_RAISE(auto summary, features.ToParquet("features.parquet"));
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/table.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sabot/connectors/csv_sink.h"
#include "sabot/connectors/csv_source.h"
#include "sabot/connectors/ipc_sink.h"
#include "sabot/connectors/ipc_source.h"
#include "sabot/connectors/parquet_sink.h"
#include "sabot/connectors/parquet_source.h"
#include "sabot/connectors/tick_generator.h"
#include "sabot/engine/plan.h"
#include "sabot/engine/run_context.h"
#include "sabot/kernels/options.h"
#include "sabot/operators/data_quality.h"
#include "sabot/operators/expression.h"
#include "sabot/operators/kernel_chain.h"
#include "sabot/operators/map.h"

namespace sabot::engine {

// Which columns a kernel reads and writes, where they are not the default ones.
struct KernelColumns {
  std::optional<std::vector<std::string>> by = std::nullopt;  // Unless given, the stream's key.
  std::map<std::string, std::string> columns = {};            // Input role -> column.
  std::map<std::string, std::string> outputs = {};            // Output -> its name.
};

// Opens where rows go, for rows of the schema.
using OpenSink =
    std::function<arrow::Result<std::unique_ptr<connectors::Sink>>(const std::shared_ptr<arrow::Schema>& schema)>;

// One path, or several.
struct Paths : std::vector<std::string> {
  Paths(std::string path) : vector{std::move(path)} {}  // NOLINT(google-explicit-constructor)
  Paths(const char* path) : vector{path} {}             // NOLINT(google-explicit-constructor)
  Paths(std::vector<std::string> paths) : vector(std::move(paths)) {}  // NOLINT(google-explicit-constructor)
};

class Stream {
 public:
  // --- where rows come from ---

  // Files (connectors/file_set.h says which may be named), in the order of their names, are one source. `event_time` is
  // the column that a union orders rows by.
  // `partitioned_by` says that no two files share a key of these columns, such as one file a security. Each file is
  // then a source partition of its own, read beside the others; what is keyed by these columns runs behind each of
  // them, and where rows meet again they are merged by place. A key in two files is an error of the run (kData).
  // Errors: more than 256 files (kOption), files with different columns, a column that can be no key (kSchema).
  static arrow::Result<Stream> FromParquet(const Paths& paths, connectors::ParquetSourceOptions options = {},
                                           std::string event_time = "timestamp",
                                           std::vector<std::string> partitioned_by = {});
  static arrow::Result<Stream> FromCsv(const Paths& paths, connectors::CsvSourceOptions options = {},
                                       std::string event_time = "timestamp",
                                       std::vector<std::string> partitioned_by = {});
  static arrow::Result<Stream> FromIpc(const Paths& paths, connectors::IpcSourceOptions options = {},
                                       std::string event_time = "timestamp",
                                       std::vector<std::string> partitioned_by = {});
  static arrow::Result<Stream> FromGenerator(const connectors::TickGeneratorOptions& options);
  static arrow::Result<Stream> FromTable(std::shared_ptr<arrow::Table> table, std::string event_time = "timestamp");
  // Can be run once. A second run is an error that says so.
  static arrow::Result<Stream> FromReader(std::shared_ptr<arrow::RecordBatchReader> reader,
                                          std::string event_time = "timestamp");
  // What `step.partitioned_by` promises is checked. Errors (kSchema): `step.event_time` is a column that holds no time,
  // one of `step.partitioned_by` can be no key.
  static arrow::Result<Stream> FromSource(std::string description, std::shared_ptr<arrow::Schema> schema,
                                          SourceStep step);

  // --- what happens to them ---

  // Keeps the rows for which the expression is true.
  arrow::Result<Stream> Filter(operators::ExpressionPtr keep) const;
  arrow::Result<Stream> Filter(std::string_view keep) const;
  // Rejects the rows for which it is not, with the reason.
  arrow::Result<Stream> Require(operators::ExpressionPtr keep, std::string reason = "") const;
  // Exactly these columns.
  arrow::Result<Stream> Select(const std::vector<operators::NamedExpression>& columns) const;
  // These beside the ones there are, or in place of those of the same name.
  arrow::Result<Stream> WithColumns(const std::vector<operators::NamedExpression>& columns) const;
  arrow::Result<Stream> Rename(const std::map<std::string, std::string>& names) const;  // Old -> new.
  // The key of kernels that come after and name none. It is {"symbol"} at the beginning.
  arrow::Result<Stream> KeyBy(std::vector<std::string> by) const;
  // Appends a kernel's outputs. Neighbouring kernels with the same key run as one fused pass.
  // Errors (kOption, kSchema): as KernelChain::Make and Bind.
  arrow::Result<Stream> Kernel(operators::KernelSpec kernel,
                               std::optional<std::vector<std::string>> by = std::nullopt) const;
  template <class K>
  arrow::Result<Stream> Kernel(const typename K::Options& options = {}, KernelColumns columns = {}) const {
    return Kernel({.kernel = std::string(K::kDoc.name),
                   .options = kernels::OptionsToMap(options),
                   .columns = std::move(columns.columns),
                   .outputs = std::move(columns.outputs)},
                  std::move(columns.by));
  }
  // A function from batch to batch; with keeps_rows false it may return any number of rows.
  arrow::Result<Stream> Map(operators::MapOptions options, operators::BatchFunction function) const;
  // The rows of all, in the order of their places: event time, then source, then offset. Error (kSchema): the columns
  // differ.
  arrow::Result<Stream> Union(const std::vector<Stream>& others) const;
  // Counts, for each key, what is odd about the rows, which pass unchanged; a run's summary has the counts.
  arrow::Result<Stream> DataQuality(operators::DataQualityOptions options) const;
  // Any operator of one input and one output. Copies of one without state may run side by side.
  arrow::Result<Stream> Apply(std::string description, operators::OperatorFactory make) const;
  arrow::Result<Stream> Apply(std::string description, OperatorStep step) const;
  // How many copies each step that follows has; 0: as the run says (ShuffleOptions::parallelism).
  arrow::Result<Stream> Parallelism(int copies) const;
  // The rows reach the next step's copies by ranges of a column, or in turn by blocks; what comes out, and its order,
  // are the same as with one copy. `bounds` is a JSON array ("[10, 20.5]"; graph/range_bounds.h says of which values)
  // that ascends; unless Parallelism says how many copies the step has, it has one more than there are bounds. Errors
  // (kSchema, kOption): those of shuffle::RangePartitioner; at the run, a step that keeps rows of one key together,
  // which these do not.
  arrow::Result<Stream> Ranged(std::string column, const std::string& bounds) const;
  Stream Rebalanced() const;
  // Whether rows on their way to the next step may go to disk, where they go from task to task: "never", "overflow"
  // (what finds no room) or "always". The run's ShuffleOptions::spill_folder says where to. Error (kOption): another
  // word.
  arrow::Result<Stream> Spilling(const std::string& when) const;

  // What the last step is called in checkpoints, so that its state is found again when other steps have changed. It
  // stays a pass of its own. Error (kOption): a step that has a name already; at the run, a name twice, or with other
  // characters than letters, digits, '_', '-' and '.'.
  arrow::Result<Stream> Uid(std::string uid) const;

  const std::shared_ptr<arrow::Schema>& schema() const { return plan_->schema; }
  const std::vector<std::string>& by() const { return by_; }
  int parallelism() const { return parallelism_; }
  const PlanPtr& plan() const { return plan_; }
  std::string Explain() const { return engine::Explain(*plan_); }

  // --- where they go: each of these runs the stream ---

  // Batches as they are asked for.
  arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> Run(RunContext context = {}) const;
  arrow::Result<std::shared_ptr<arrow::Table>> Collect(RunContext context = {}) const;
  arrow::Result<arrow::RecordBatchVector> CollectBatches(RunContext context = {}) const;
  // With `partitions` the path is a folder, and gets so many files (connectors/sink.h), each with the rows of some keys
  // in the order of their places: which ones follows from the hash of the stream's key, not from how the run was done.
  // All files appear when the run has ended well, or none.
  // Errors: the stream's key is no column (kSchema), more partitions than key groups (kOption).
  arrow::Result<RunSummary> ToParquet(const std::string& path, connectors::ParquetSinkOptions options = {},
                                      RunContext context = {}, int partitions = 0) const;
  arrow::Result<RunSummary> ToCsv(const std::string& path, connectors::CsvSinkOptions options = {},
                                  RunContext context = {}, int partitions = 0) const;
  arrow::Result<RunSummary> ToIpc(const std::string& path, connectors::IpcSinkOptions options = {},
                                  RunContext context = {}, int partitions = 0) const;
  arrow::Result<RunSummary> To(const OpenSink& open, RunContext context = {}) const;

 private:
  explicit Stream(PlanPtr plan, std::vector<std::string> by = {"symbol"})
      : plan_(std::move(plan)), by_(std::move(by)) {}
  Stream With(Plan plan) const;
  arrow::Result<Stream> Branch(int64_t number) const;
  arrow::Result<Stream> United(const std::vector<Stream>& others) const;
  using Sinks = std::vector<std::unique_ptr<connectors::Sink>>;
  // `durable`: where a run goes on, how many rows the complete files of each sink have.
  using OpenSinks = std::function<arrow::Result<Sinks>(const std::shared_ptr<arrow::Schema>& schema,
                                                       const std::optional<std::vector<int64_t>>& durable)>;
  arrow::Result<RunSummary> ToAll(const OpenSinks& open, int partitions, int64_t rows_per_file,
                                  RunContext context) const;
  // To sinks of a format, which `open_one` and `open_parts` open.
  template <class Options, class OpenOne, class OpenParts>
  arrow::Result<RunSummary> ToFiles(const std::string& path, Options options, RunContext context, int partitions,
                                    const OpenOne& open_one, const OpenParts& open_parts) const;
  // To the sinks of a partitioned output.
  arrow::Result<RunSummary> ToPartitions(int partitions, const OpenSinks& open, RunContext context) const;
  // Makes the operator that keeps the rows for which the condition is true.
  using MakeSieve = std::function<std::unique_ptr<operators::Operator>(operators::ExpressionPtr condition,
                                                                       const operators::OperatorContext& context)>;
  // Kernels in the condition run before it.
  arrow::Result<Stream> Sieved(std::string verb, operators::ExpressionPtr keep, const MakeSieve& make) const;
  // Appends the stages of a lowered select or with_columns.
  arrow::Result<Stream> Stages(const operators::Lowered& lowered) const;
  arrow::Result<Stream> Projected(std::string verb, std::string description,
                                  std::vector<operators::NamedExpression> columns) const;

  PlanPtr plan_;
  std::vector<std::string> by_;
  int parallelism_ = 0;
  std::string SpillAsked() const { return asked_ ? asked_->spill : std::string(); }
  std::optional<AskedEdge> asked_;  // To the next step.
};

}  // namespace sabot::engine
