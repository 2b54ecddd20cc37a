#include "sabot/engine/stream.h"

#include <atomic>
#include <chrono>
#include <utility>

#include "sabot/data/errors.h"

namespace sabot::engine {
namespace {

// Larger batches of a source are cut, which bounds what a run holds and lets output buffers be used again.
constexpr int64_t kBatchRows = 131'072;

// Pulls a batch from the source through every chain.
class RunReader final : public arrow::RecordBatchReader {
 public:
  RunReader(std::shared_ptr<arrow::RecordBatchReader> source, std::vector<operators::KernelChain> chains,
            std::shared_ptr<arrow::Schema> schema, RunContext context)
      : source_(std::move(source)),
        chains_(std::move(chains)),
        schema_(std::move(schema)),
        context_(std::move(context)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }

  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* out) override {
    ARROW_RETURN_NOT_OK(context_.interrupt->Check());
    if (rest_ == nullptr || begin_ == rest_->num_rows()) {
      ARROW_RETURN_NOT_OK(source_->ReadNext(&rest_));
      begin_ = 0;
      if (rest_ == nullptr) return *out = nullptr, arrow::Status::OK();
    }
    auto batch = rest_->Slice(begin_, kBatchRows);
    begin_ += batch->num_rows();
    for (auto& chain : chains_) {
      ARROW_ASSIGN_OR_RAISE(batch, RunMorsels(chain, batch, *context_.executor, *context_.interrupt));
    }
    *out = std::move(batch);
    return arrow::Status::OK();
  }

  arrow::Status Close() override {
    rest_ = nullptr;
    return source_->Close();
  }

 private:
  std::shared_ptr<arrow::RecordBatchReader> source_;
  std::vector<operators::KernelChain> chains_;
  std::shared_ptr<arrow::Schema> schema_;
  RunContext context_;
  std::shared_ptr<arrow::RecordBatch> rest_;  // What the source gave last...
  int64_t begin_ = 0;                         // ...and its first row not yet processed.
};

}  // namespace

Stream Stream::FromSource(std::string description, std::shared_ptr<arrow::Schema> schema, Open open) {
  Stream stream;
  stream.source_ = std::move(description);
  stream.source_schema_ = schema;
  stream.schema_ = std::move(schema);
  stream.open_ = std::move(open);
  return stream;
}

arrow::Result<Stream> Stream::FromParquet(const std::string& path, connectors::ParquetSourceOptions options) {
  ARROW_ASSIGN_OR_RAISE(const auto reader, connectors::ReadParquet(path, options));
  return FromSource("parquet " + path, reader->schema(),
                    [path, options = std::move(options)] { return connectors::ReadParquet(path, options); });
}

arrow::Result<Stream> Stream::FromGenerator(const connectors::TickGeneratorOptions& options) {
  ARROW_ASSIGN_OR_RAISE(const auto reader, connectors::GenerateTicks(options));
  return FromSource("generator " + options.kind + " rows=" + std::to_string(options.rows) +
                        " symbols=" + std::to_string(options.symbols) + " seed=" + std::to_string(options.seed),
                    reader->schema(), [options] { return connectors::GenerateTicks(options); });
}

arrow::Result<Stream> Stream::FromTable(std::shared_ptr<arrow::Table> table) {
  auto schema = table->schema();
  const auto description = "table rows=" + std::to_string(table->num_rows());
  return FromSource(description, schema,
                    [table = std::move(table)]() -> arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> {
                      return std::make_shared<arrow::TableBatchReader>(table);
                    });
}

arrow::Result<Stream> Stream::FromReader(std::shared_ptr<arrow::RecordBatchReader> reader) {
  auto schema = reader->schema();
  auto used = std::make_shared<std::atomic<bool>>(false);
  return FromSource("reader", schema,
                    [reader = std::move(reader), used]() -> arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> {
                      if (used->exchange(true)) {
                        return data::DataError(
                            "the stream's reader was read by an earlier run. Make a new stream from a new reader, "
                            "or begin with a table or a file, which can be read again.");
                      }
                      return reader;
                    });
}

arrow::Result<Stream> Stream::Kernel(operators::KernelSpec kernel, std::vector<std::string> by) const {
  ARROW_ASSIGN_OR_RAISE(auto alone, operators::KernelChain::Make({std::move(kernel)}, by));
  ARROW_ASSIGN_OR_RAISE(auto schema, alone.Bind(schema_));
  Stream stream = *this;
  stream.schema_ = std::move(schema);
  auto& steps = stream.steps_;
  const bool fuses = !steps.empty() && (!alone.stateful() || !steps.back().stateful || steps.back().by == by);
  if (!fuses) steps.push_back({.kernels = {}, .by = by, .stateful = false});
  if (alone.stateful()) steps.back().by = std::move(by), steps.back().stateful = true;
  steps.back().kernels.push_back(alone.kernels().front());
  return stream;
}

std::string Stream::ToString() const {
  std::string text = source_;
  for (const auto& step : steps_) {
    std::string keys;
    for (const auto& by : step.by) keys += (keys.empty() ? "" : ", ") + by;
    for (const auto& kernel : step.kernels) {
      text += "\n  kernel " + kernel.kernel + "(";
      for (std::size_t i = 0; i < kernel.options.size(); ++i) {
        text += (i == 0 ? "" : ", ") + kernel.options[i].first + "=" + kernels::ToString(kernel.options[i].second);
      }
      text += step.stateful ? ") by " + keys : ")";
    }
  }
  return text;
}

arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> Stream::Run(RunContext context) const {
  std::vector<operators::KernelChain> chains;
  auto schema = source_schema_;
  for (const auto& step : steps_) {
    ARROW_ASSIGN_OR_RAISE(auto chain, operators::KernelChain::Make(step.kernels, step.by));
    ARROW_ASSIGN_OR_RAISE(schema, chain.Bind(schema));
    chains.push_back(std::move(chain));
  }
  ARROW_ASSIGN_OR_RAISE(auto source, open_());
  return std::make_shared<RunReader>(std::move(source), std::move(chains), std::move(schema), std::move(context));
}

arrow::Result<std::shared_ptr<arrow::Table>> Stream::Collect(RunContext context) const {
  ARROW_ASSIGN_OR_RAISE(const auto reader, Run(std::move(context)));
  return reader->ToTable();
}

arrow::Result<RunSummary> Stream::ToParquet(const std::string& path, connectors::ParquetSinkOptions options,
                                            RunContext context) const {
  const auto start = std::chrono::steady_clock::now();
  ARROW_ASSIGN_OR_RAISE(const auto reader, Run(std::move(context)));
  ARROW_ASSIGN_OR_RAISE(const auto sink, connectors::ParquetSink::Open(path, schema_, std::move(options)));
  RunSummary summary;
  std::shared_ptr<arrow::RecordBatch> batch;
  for (;;) {
    ARROW_RETURN_NOT_OK(reader->ReadNext(&batch));
    if (batch == nullptr) break;
    ARROW_RETURN_NOT_OK(sink->Write(batch));
    summary.rows_read += batch->num_rows();
    summary.rows_written += batch->num_rows();
  }
  ARROW_RETURN_NOT_OK(sink->Close());
  summary.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return summary;
}

}  // namespace sabot::engine
