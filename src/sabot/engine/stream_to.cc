// Where the rows of a stream go: each of these runs it.
#include <chrono>
#include <utility>

#include "sabot/connectors/write_behind.h"
#include "sabot/data/errors.h"
#include "sabot/data/key_hash.h"
#include "sabot/engine/job.h"
#include "sabot/engine/stream.h"

namespace sabot::engine {
namespace {

using Clock = std::chrono::steady_clock;

// The rows of a job as Arrow knows a source of batches.
class JobReader final : public arrow::RecordBatchReader {
 public:
  static arrow::Result<std::shared_ptr<JobReader>> Open(const PlanPtr& plan, RunContext context) {
    const env::InterruptScope scope(*context.interrupt);
    auto reader = std::make_shared<JobReader>();
    reader->schema_ = plan->schema;
    reader->interrupt_ = context.interrupt;
    ARROW_ASSIGN_OR_RAISE(reader->job_, Job::Make(plan, std::move(context)));
    return reader;
  }
  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }
  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* out) override {
    *out = nullptr;
    if (job_ == nullptr) return arrow::Status::OK();
    const env::InterruptScope scope(*interrupt_);
    ARROW_ASSIGN_OR_RAISE(*out, job_->Next());
    return *out == nullptr ? Close() : arrow::Status::OK();
  }
  arrow::Status Close() override {
    job_ = nullptr;  // Threads end, files are closed.
    return arrow::Status::OK();
  }

 private:
  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<env::Interrupt> interrupt_;
  std::unique_ptr<Job> job_;
};

// Keeps all rows.
class BatchSink final : public connectors::Sink {
 public:
  arrow::Status Write(const std::shared_ptr<arrow::RecordBatch>& batch) override {
    batches.push_back(batch);
    return arrow::Status::OK();
  }
  arrow::Status Close() override { return arrow::Status::OK(); }
  int64_t rows_written() const override { return 0; }
  int64_t bytes_written() const override { return 0; }

  arrow::RecordBatchVector batches;
};

}  // namespace

arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> Stream::Run(RunContext context) const {
  return JobReader::Open(plan_, std::move(context));
}

arrow::Result<std::shared_ptr<arrow::Table>> Stream::Collect(RunContext context) const {
  ARROW_ASSIGN_OR_RAISE(auto batches, CollectBatches(std::move(context)));
  return arrow::Table::FromRecordBatches(schema(), batches);
}

// Nobody takes a batch before the end, so no thread has to stop for it.
arrow::Result<arrow::RecordBatchVector> Stream::CollectBatches(RunContext context) const {
  const auto interrupt = context.interrupt;
  const env::InterruptScope scope(*interrupt);
  BatchSink sink;
  ARROW_ASSIGN_OR_RAISE(const auto job, Job::Make(plan_, std::move(context), {&sink}));
  ARROW_RETURN_NOT_OK(job->RunToEnd());
  return std::move(sink.batches);
}

arrow::Result<RunSummary> Stream::ToParquet(const std::string& path, connectors::ParquetSinkOptions options,
                                            RunContext context, int partitions) const {
  if (partitions != 0) {
    return ToPartitions(
        partitions,
        [&](const std::shared_ptr<arrow::Schema>& schema) {
          return connectors::OpenParquetSinks(path, schema, options, partitions);
        },
        std::move(context));
  }
  return To(
      [&](const std::shared_ptr<arrow::Schema>& schema) -> arrow::Result<std::unique_ptr<connectors::Sink>> {
        return connectors::OpenParquetSink(path, schema, std::move(options));
      },
      std::move(context));
}

arrow::Result<RunSummary> Stream::ToCsv(const std::string& path, connectors::CsvSinkOptions options, RunContext context,
                                        int partitions) const {
  if (partitions != 0) {
    return ToPartitions(
        partitions,
        [&](const std::shared_ptr<arrow::Schema>& schema) {
          return connectors::OpenCsvSinks(path, schema, options, partitions);
        },
        std::move(context));
  }
  return To(
      [&](const std::shared_ptr<arrow::Schema>& schema) -> arrow::Result<std::unique_ptr<connectors::Sink>> {
        return connectors::OpenCsvSink(path, schema, std::move(options));
      },
      std::move(context));
}

arrow::Result<RunSummary> Stream::ToIpc(const std::string& path, connectors::IpcSinkOptions options, RunContext context,
                                        int partitions) const {
  if (partitions != 0) {
    return ToPartitions(
        partitions,
        [&](const std::shared_ptr<arrow::Schema>& schema) {
          return connectors::OpenIpcSinks(path, schema, options, partitions);
        },
        std::move(context));
  }
  return To(
      [&](const std::shared_ptr<arrow::Schema>& schema) -> arrow::Result<std::unique_ptr<connectors::Sink>> {
        return connectors::OpenIpcSink(path, schema, std::move(options));
      },
      std::move(context));
}

arrow::Result<RunSummary> Stream::To(const OpenSink& open, RunContext context) const {
  return ToAll(
      [&](const std::shared_ptr<arrow::Schema>& schema) -> arrow::Result<Sinks> {
        Sinks sinks;
        ARROW_ASSIGN_OR_RAISE(sinks.emplace_back(), open(schema));
        return sinks;
      },
      std::move(context));
}

arrow::Result<RunSummary> Stream::ToPartitions(int partitions, const OpenSinks& open, RunContext context) const {
  if (const auto key = data::KeyHasher::Make(*schema(), by_).status(); partitions > 1 && !key.ok()) {
    return key.WithMessage("partitions: rows go into files by the stream's key: ", key.message(),
                           " Say what the key is with key_by.");
  }
  if (partitions > context.shuffle.key_groups) {
    return data::OptionError("partitions is " + std::to_string(partitions) + ", but the run has " +
                             std::to_string(context.shuffle.key_groups) +
                             " key groups, each of which is in one partition. Use at most as many.");
  }
  return ToAll(open, std::move(context));
}

arrow::Result<RunSummary> Stream::ToAll(const OpenSinks& open, RunContext context) const {
  const auto start = Clock::now();
  const auto interrupt = context.interrupt;
  const auto rejects = context.rejects;
  const env::InterruptScope scope(*interrupt);
  ARROW_ASSIGN_OR_RAISE(auto sinks, open(schema()));
  std::vector<connectors::Sink*> takers;
  for (auto& sink : sinks) {
    ARROW_ASSIGN_OR_RAISE(sink, connectors::WriteBehind(std::move(sink)));
    takers.push_back(sink.get());
  }
  ARROW_ASSIGN_OR_RAISE(const auto job, Job::Make(plan_, std::move(context), std::move(takers), by_));
  ARROW_RETURN_NOT_OK(job->RunToEnd());
  for (const auto& sink : sinks) ARROW_RETURN_NOT_OK(sink->Finish());  // Before any of them has its name.
  for (const auto& sink : sinks) ARROW_RETURN_NOT_OK(sink->Close());
  ARROW_RETURN_NOT_OK(rejects->Close());
  const RunProgress done = job->progress();
  return RunSummary{.rows_read = done.rows_read,
                    .rows_written = done.rows_written,
                    .rows_rejected = done.rows_rejected,
                    .reports = job->reports(),
                    .metrics = job->metrics(),
                    .seconds = std::chrono::duration<double>(Clock::now() - start).count()};
}

}  // namespace sabot::engine
