// A pipeline: where rows come from, the kernels they pass, where they go. Immutable: each call returns a new stream,
// whose schema is known at once, so that a mistake is reported by the line that made it. Nothing runs before Run,
// Collect or ToParquet, and a run holds a batch at a time.
//
//   ARROW_ASSIGN_OR_RAISE(auto ticks, Stream::FromParquet("ticks.parquet"));
//   ARROW_ASSIGN_OR_RAISE(auto features, ticks.Kernel<kernels::Ewma>({.alpha = 0.06}));
//   ARROW_ASSIGN_OR_RAISE(auto summary, features.ToParquet("features.parquet"));
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/table.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "sabot/connectors/parquet_sink.h"
#include "sabot/connectors/parquet_source.h"
#include "sabot/connectors/tick_generator.h"
#include "sabot/engine/morsel_runner.h"
#include "sabot/kernels/options.h"
#include "sabot/operators/kernel_chain.h"

namespace sabot::engine {

// What a run did.
struct RunSummary {
  int64_t rows_read = 0;
  int64_t rows_written = 0;
  double seconds = 0;  // By the wall clock.
};

// Which columns a kernel reads and writes, where they are not the default ones.
struct KernelColumns {
  std::vector<std::string> by = {"symbol"};
  std::map<std::string, std::string> columns = {};  // Input role -> column.
  std::map<std::string, std::string> outputs = {};  // Output -> its name.
};

// Who runs a stream and who may stop it; both must outlive the run.
struct RunContext {
  std::shared_ptr<env::Executor> executor = DefaultExecutor();
  std::shared_ptr<env::Interrupt> interrupt = std::make_shared<env::NoInterrupt>();
};

class Stream {
 public:
  // Opens the source anew for each run.
  using Open = std::function<arrow::Result<std::shared_ptr<arrow::RecordBatchReader>>()>;

  static arrow::Result<Stream> FromParquet(const std::string& path, connectors::ParquetSourceOptions options = {});
  static arrow::Result<Stream> FromGenerator(const connectors::TickGeneratorOptions& options);
  static arrow::Result<Stream> FromTable(std::shared_ptr<arrow::Table> table);
  // Can be run once. A second run is an error that says so.
  static arrow::Result<Stream> FromReader(std::shared_ptr<arrow::RecordBatchReader> reader);
  static Stream FromSource(std::string description, std::shared_ptr<arrow::Schema> schema, Open open);

  // Appends a kernel's outputs. Neighbouring kernels with the same key run as one fused pass.
  // Errors (kOption, kSchema): as KernelChain::Make and Bind.
  arrow::Result<Stream> Kernel(operators::KernelSpec kernel, std::vector<std::string> by = {"symbol"}) const;
  template <class K>
  arrow::Result<Stream> Kernel(const typename K::Options& options = {}, KernelColumns columns = {}) const {
    return Kernel({.kernel = std::string(K::kDoc.name),
                   .options = kernels::OptionsToMap(options),
                   .columns = std::move(columns.columns),
                   .outputs = std::move(columns.outputs)},
                  std::move(columns.by));
  }

  const std::shared_ptr<arrow::Schema>& schema() const { return schema_; }
  std::string ToString() const;  // One line a step.

  // Batches as they are asked for, at most 131,072 rows each.
  arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> Run(RunContext context = {}) const;
  arrow::Result<std::shared_ptr<arrow::Table>> Collect(RunContext context = {}) const;
  arrow::Result<RunSummary> ToParquet(const std::string& path, connectors::ParquetSinkOptions options = {},
                                      RunContext context = {}) const;

 private:
  struct Step {  // Kernels that run fused.
    std::vector<operators::KernelSpec> kernels;
    std::vector<std::string> by;
    bool stateful = false;
  };

  std::string source_;
  std::shared_ptr<arrow::Schema> source_schema_;
  std::shared_ptr<arrow::Schema> schema_;
  Open open_;
  std::vector<Step> steps_;
};

}  // namespace sabot::engine
