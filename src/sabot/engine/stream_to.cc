// Where the rows of a stream go: each of these runs it.
#include <chrono>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/data/key_hash.h"
#include "sabot/engine/file_checkpoints.h"
#include "sabot/engine/job_run.h"
#include "sabot/engine/stream.h"
#include "sabot/env/fault_point.h"

namespace sabot::engine {
namespace {

using Clock = std::chrono::steady_clock;
using SchemaPtr = std::shared_ptr<arrow::Schema>;
using Sinks = std::vector<std::unique_ptr<connectors::Sink>>;
// Of each sink, how many rows its complete files have, where a run goes on.
using RowsDurable = std::optional<std::vector<int64_t>>;

std::optional<int64_t> First(const RowsDurable& durable) {
  return durable ? std::optional(durable->front()) : std::nullopt;
}

arrow::Result<Sinks> Alone(arrow::Result<std::unique_ptr<connectors::Sink>> sink) {
  Sinks sinks;
  ARROW_ASSIGN_OR_RAISE(sinks.emplace_back(), std::move(sink));
  return sinks;
}

// The rows of a job as Arrow knows a source of batches.
class JobReader final : public arrow::RecordBatchReader {
 public:
  static arrow::Result<std::shared_ptr<JobReader>> Open(const PlanPtr& plan, RunContext context) {
    const env::InterruptScope scope(*context.interrupt);
    auto reader = std::make_shared<JobReader>();
    reader->schema_ = plan->schema;
    reader->interrupt_ = context.interrupt;
    ARROW_ASSIGN_OR_RAISE(reader->run_, JobRun::Make(plan, std::move(context)));
    return reader;
  }
  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }
  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* out) override {
    *out = nullptr;
    if (run_ == nullptr) return arrow::Status::OK();
    const env::InterruptScope scope(*interrupt_);
    ARROW_ASSIGN_OR_RAISE(*out, run_->Next());
    return *out == nullptr ? Close() : arrow::Status::OK();
  }
  arrow::Status Close() override {
    run_ = nullptr;  // Threads end, files are closed.
    return arrow::Status::OK();
  }

 private:
  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<env::Interrupt> interrupt_;
  std::unique_ptr<JobRun> run_;
};

// However a run ends: what is written in the background uses its job and its sinks.
struct CheckpointsEnd {
  ~CheckpointsEnd() {
    if (checkpoints != nullptr) checkpoints->End();
  }
  FileCheckpoints* checkpoints;
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
  ARROW_ASSIGN_OR_RAISE(const auto run, JobRun::Make(plan_, std::move(context), {&sink}));
  ARROW_RETURN_NOT_OK(run->RunToEnd());
  return std::move(sink.batches);
}

template <class Options, class OpenOne, class OpenParts>
arrow::Result<RunSummary> Stream::ToFiles(const std::string& path, Options options, RunContext context, int partitions,
                                          const OpenOne& open_one, const OpenParts& open_parts) const {
  const auto open = [&](const SchemaPtr& schema, const RowsDurable& durable) -> arrow::Result<Sinks> {
    options.resume_at = First(durable);
    if (partitions != 0) return open_parts(path, schema, options, partitions);
    return Alone(open_one(path, schema, options));
  };
  if (partitions != 0) return ToPartitions(partitions, open, std::move(context));
  return ToAll(open, 1, options.rows_per_file, std::move(context));
}

arrow::Result<RunSummary> Stream::ToParquet(const std::string& path, connectors::ParquetSinkOptions options,
                                            RunContext context, int partitions) const {
  return ToFiles(path, std::move(options), std::move(context), partitions, connectors::OpenParquetSink,
                 connectors::OpenParquetSinks);
}

arrow::Result<RunSummary> Stream::ToCsv(const std::string& path, connectors::CsvSinkOptions options, RunContext context,
                                        int partitions) const {
  return ToFiles(path, std::move(options), std::move(context), partitions, connectors::OpenCsvSink,
                 connectors::OpenCsvSinks);
}

arrow::Result<RunSummary> Stream::ToIpc(const std::string& path, connectors::IpcSinkOptions options, RunContext context,
                                        int partitions) const {
  return ToFiles(path, std::move(options), std::move(context), partitions, connectors::OpenIpcSink,
                 connectors::OpenIpcSinks);
}

arrow::Result<RunSummary> Stream::To(const OpenSink& open, RunContext context) const {
  return ToAll(
      [&](const SchemaPtr& schema, const RowsDurable& durable) -> arrow::Result<Sinks> {
        if (First(durable).value_or(0) > 0) {
          return data::OptionError("checkpoints: the sink has files of rows, and cannot be opened behind them.");
        }
        return Alone(open(schema));
      },
      1, /*rows_per_file=*/0, std::move(context));
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
  return ToAll(open, partitions, /*rows_per_file=*/0, std::move(context));
}

arrow::Result<RunSummary> Stream::ToAll(const OpenSinks& open, int partitions, int64_t rows_per_file,
                                        RunContext context) const {
  const auto start = Clock::now();
  const auto interrupt = context.interrupt;
  const auto rejects = context.rejects;
  const env::InterruptScope scope(*interrupt);
  if (context.world == nullptr) context.world = std::make_shared<World>();
  const auto world = context.world;
  std::shared_ptr<FileCheckpoints> checkpoints;
  RowsDurable durable;
  if (!context.checkpoint.folder.empty()) {
    ARROW_ASSIGN_OR_RAISE(checkpoints, FileCheckpoints::Open(context.checkpoint, context.shuffle.key_groups, *world));
    ARROW_ASSIGN_OR_RAISE(context.restore, checkpoints->Load(context.state));
    ARROW_ASSIGN_OR_RAISE(durable, checkpoints->RowsDurable(partitions, rows_per_file));
    ARROW_ASSIGN_OR_RAISE(context.decisions, checkpoints->OpenDecisions());
    context.checkpoints = checkpoints;
    if (context.progress != nullptr) {
      context.progress = [checkpoints, tell = std::move(context.progress)](RunProgress now) {
        now.checkpoints = checkpoints->summary();
        return tell(now);
      };
    }
  }
  ARROW_ASSIGN_OR_RAISE(auto sinks, open(schema(), durable));
  std::vector<connectors::Sink*> takers;
  for (auto& sink : sinks) {
    ARROW_ASSIGN_OR_RAISE(sink, world->Behind(std::move(sink)));
    if (checkpoints != nullptr) {
      sink = checkpoints->WithTail(std::move(sink), static_cast<int>(takers.size()));
    }
    takers.push_back(sink.get());
  }
  ARROW_ASSIGN_OR_RAISE(const auto run, JobRun::Make(plan_, std::move(context), std::move(takers), by_));
  const CheckpointsEnd end{checkpoints.get()};
  if (checkpoints != nullptr) ARROW_RETURN_NOT_OK(checkpoints->Begin(run->job().graph().job()));
  const auto ran = run->RunToEnd();
  if (checkpoints != nullptr) checkpoints->End();
  const bool stopped = checkpoints != nullptr && checkpoints->stopped();
  if (!stopped) {
    ARROW_RETURN_NOT_OK(ran);
    for (const auto& sink : sinks) ARROW_RETURN_NOT_OK(sink->Finish());  // Before any of them has its name.
    env::FaultPoint("sinks-finished");
    for (const auto& sink : sinks) {
      ARROW_RETURN_NOT_OK(sink->Close());
      env::FaultPoint("sink-closed");
    }
    ARROW_RETURN_NOT_OK(rejects->Close());
  }
  const RunProgress done = run->progress();
  return RunSummary{.rows_read = done.rows_read,
                    .rows_written = done.rows_written,
                    .rows_rejected = done.rows_rejected,
                    .key_groups_moved = run->key_groups_moved(),
                    .reports = run->reports(),
                    .metrics = run->metrics(),
                    .seconds = std::chrono::duration<double>(Clock::now() - start).count(),
                    .checkpoints = checkpoints == nullptr ? CheckpointSummary() : checkpoints->summary()};
}

}  // namespace sabot::engine
