// Runs of engine::Stream: what they are told, the reader of their batches, what they did.
#include "python/bindings/runs.h"

#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "python/bindings/arrow_capsules.h"
#include "python/bindings/checkpoint.h"
#include "python/bindings/errors.h"
#include "python/bindings/interrupt.h"
#include "python/bindings/python_call.h"
#include "sabot/connectors/reject_file.h"
#include "sabot/engine/balance.h"
#include "sabot/engine/key_group_moves.h"
#include "sabot/engine/planner.h"

namespace sabot::python {
namespace {

// What Python says of a run.
struct RunOptions {
  std::optional<std::string> rejects;  // The name of a file.
  bool strict = false;
  SharedObject progress;  // A callable, or null.
  engine::ShuffleOptions shuffle;
  engine::CheckpointOptions checkpoint;
  engine::StateOptions state;
  std::optional<int> threads;
  std::optional<uint64_t> cut_seed;
  std::optional<int64_t> balance_rows;
  std::shared_ptr<engine::KeyGroupMoves> moves;
};

engine::ShuffleOptions Shuffle(int parallelism, bool for_all, const std::string& ordering, int key_groups,
                               std::string spill_folder) {
  engine::ShuffleOptions options;
  options.parallelism = parallelism;
  options.for_all = for_all;
  options.ordering = Check(graph::OrderingOf(ordering));
  options.key_groups = key_groups;
  options.spill_folder = std::move(spill_folder);
  return options;
}

std::shared_ptr<env::Executor> Executor(const std::optional<int>& threads) {
  return threads ? env::MakeTbbExecutor(*threads) : engine::DefaultExecutor();
}

engine::RunContext Context(const RunOptions& options) {
  engine::RunContext context{.executor = Executor(options.threads),
                             .interrupt = std::make_shared<PythonInterrupt>(),
                             .shuffle = options.shuffle,
                             .state = options.state,
                             .checkpoint = options.checkpoint,
                             .cut_seed = options.cut_seed};
  if (options.balance_rows) context.balance = engine::BalancePolicy{.check_rows = *options.balance_rows};
  context.moves = options.moves;
  if (options.strict) context.rejects = std::make_shared<data::StrictRejects>();
  if (options.rejects) context.rejects = Check(connectors::OpenRejectFile(*options.rejects));
  if (options.progress == nullptr) return context;
  context.progress = [callable = options.progress,
                      checkpoint = options.checkpoint](const engine::RunProgress& now) -> arrow::Status {
    return CallPython([&] {
             (*callable)(now.rows_read, now.rows_written, now.rows_rejected, now.done,
                         CheckpointsToPython(checkpoint, now.checkpoints));
             return true;
           })
        .status();
  };
  return context;
}

// (name, help, kind, [(labels, value), ...])
nb::list MetricsToPython(const std::vector<metrics::Metric>& metrics) {
  nb::list list;
  for (const auto& metric : metrics) {
    nb::list samples;
    for (const auto& sample : metric.samples) {
      nb::dict labels;
      for (const auto& [name, value] : sample.labels) labels[name.c_str()] = value;
      samples.append(nb::make_tuple(labels, sample.value));
    }
    const char* const kind = metric.kind == metrics::MetricKind::kCounter ? "counter" : "gauge";
    list.append(nb::make_tuple(metric.name, metric.help, kind, samples));
  }
  return list;
}

nb::dict SummaryToPython(const engine::RunSummary& summary, const RunOptions& options) {
  nb::dict entry;
  entry["rows_read"] = summary.rows_read;
  entry["rows_written"] = summary.rows_written;
  entry["rows_rejected"] = summary.rows_rejected;
  entry["seconds"] = summary.seconds;
  entry["key_groups_moved"] = summary.key_groups_moved;
  entry["checkpoints"] = CheckpointsToPython(options.checkpoint, summary.checkpoints);
  entry["metrics"] = MetricsToPython(summary.metrics);
  entry["prometheus"] = metrics::ToPrometheusText(summary.metrics);
  const auto quality = summary.reports.find("data_quality");
  if (quality == summary.reports.end()) {
    entry["quality"] = nb::none();
  } else {
    const auto batch = Check(quality->second->CombineChunksToBatch());
    entry["quality"] = nb::cast(ArrowResult(batch));
  }
  return entry;
}

// The batches of a run, one at a time.
class Reader {
 public:
  Reader(std::shared_ptr<arrow::RecordBatchReader> reader, std::shared_ptr<data::RejectLog> rejects)
      : reader_(std::move(reader)), rejects_(std::move(rejects)) {}
  ~Reader() { Close(); }

  std::optional<ArrowResult> Next() {
    std::shared_ptr<arrow::RecordBatch> batch;
    const nb::gil_scoped_release released;
    const std::scoped_lock lock(mutex_);
    if (reader_ == nullptr) return std::nullopt;
    Check(reader_->ReadNext(&batch));
    if (batch != nullptr) return ArrowResult(batch);
    Check(rejects_->Close());
    reader_ = nullptr;
    return std::nullopt;
  }
  // Ends the run. Its threads may be waiting for the GIL.
  void Close() {
    const nb::gil_scoped_release released;
    const std::scoped_lock lock(mutex_);
    reader_ = nullptr;
  }

 private:
  std::mutex mutex_;
  std::shared_ptr<arrow::RecordBatchReader> reader_;  // None once it has ended.
  std::shared_ptr<data::RejectLog> rejects_;
};

std::unique_ptr<Reader> Run(const engine::Stream& stream, const RunOptions& options) {
  auto context = Context(options);
  const nb::gil_scoped_release released;
  auto log = context.rejects;
  return std::make_unique<Reader>(Check(stream.Run(std::move(context))), std::move(log));
}

nb::tuple Collect(const engine::Stream& stream, const RunOptions& options) {
  auto context = Context(options);
  std::optional<ArrowResult> result;
  {
    const nb::gil_scoped_release released;
    const auto log = context.rejects;
    auto batches = Check(stream.CollectBatches(std::move(context)));
    Check(log->Close());
    result.emplace(stream.schema(), std::move(batches));
  }
  return nb::make_tuple(std::move(*result));
}

template <class Options>
nb::dict ToFiles(const engine::Stream& stream,
                 arrow::Result<engine::RunSummary> (engine::Stream::*to)(const std::string&, Options,
                                                                         engine::RunContext, int) const,
                 const std::string& path, Options sink, int partitions, const RunOptions& options) {
  auto context = Context(options);
  engine::RunSummary summary;
  {
    const nb::gil_scoped_release released;
    summary = Check((stream.*to)(path, std::move(sink), std::move(context), partitions));
  }
  return SummaryToPython(summary, options);
}

nb::dict ToParquet(const engine::Stream& stream, const std::string& path, int64_t row_group_rows, int64_t rows_per_file,
                   int partitions, std::string compression, const RunOptions& options) {
  return ToFiles(
      stream, &engine::Stream::ToParquet, path,
      connectors::ParquetSinkOptions{
          .row_group_rows = row_group_rows, .compression = std::move(compression), .rows_per_file = rows_per_file},
      partitions, options);
}

nb::dict ToCsv(const engine::Stream& stream, const std::string& path, int64_t rows_per_file, int partitions,
               std::string delimiter, const RunOptions& options) {
  return ToFiles(stream, &engine::Stream::ToCsv, path,
                 connectors::CsvSinkOptions{.delimiter = delimiter.empty() ? ',' : delimiter.front(),
                                            .rows_per_file = rows_per_file},
                 partitions, options);
}

nb::dict ToIpc(const engine::Stream& stream, const std::string& path, int64_t batch_rows, int64_t rows_per_file,
               int partitions, std::string compression, const RunOptions& options) {
  return ToFiles(stream, &engine::Stream::ToIpc, path,
                 connectors::IpcSinkOptions{
                     .batch_rows = batch_rows, .compression = std::move(compression), .rows_per_file = rows_per_file},
                 partitions, options);
}

// What a run with these options would be made of.
graph::ExecutionGraph Planned(const engine::Stream& stream, std::string job, const RunOptions& options) {
  const engine::PlanOptions plan{.job = std::move(job),
                                 .parallelism = options.shuffle.parallelism,
                                 .for_all = options.shuffle.for_all,
                                 .threads = Executor(options.threads)->concurrency(),
                                 .key_groups = options.shuffle.key_groups,
                                 .ordering = options.shuffle.ordering};
  return Check(engine::PlanJob(*stream.plan(), plan)).graph;
}

}  // namespace

void RegisterRuns(nb::module_& module, nb::class_<engine::Stream>& stream) {
  nb::class_<engine::KeyGroupMoves>(module, "KeyGroupMoves", "Moves key groups of a run by hand.")
      .def(nb::init<>())
      .def("move_key_groups", [](engine::KeyGroupMoves& moves, const std::string& op,
                                 std::vector<int32_t> copies) { Check(moves.MoveKeyGroups(op, std::move(copies))); })
      .def("tables", [](const engine::KeyGroupMoves& moves) { return moves.tables().copies; })
      .def("pending", &engine::KeyGroupMoves::pending)
      .def("moved", &engine::KeyGroupMoves::moved);
  nb::class_<RunOptions>(module, "RunOptions", "What a run is told.")
      .def(
          "__init__",
          [](RunOptions* self, std::optional<std::string> rejects, bool strict, nb::object progress, int parallelism,
             bool for_all, const std::string& ordering, int key_groups, std::optional<int> threads,
             std::optional<uint64_t> cut_seed, std::optional<int64_t> balance_rows,
             std::shared_ptr<engine::KeyGroupMoves> moves, std::string spill_folder,
             std::optional<engine::CheckpointOptions> checkpoint, std::optional<engine::StateOptions> state) {
            new (self)
                RunOptions{.rejects = std::move(rejects),
                           .strict = strict,
                           .progress = progress.is_none() ? nullptr : Share(std::move(progress)),
                           .shuffle = Shuffle(parallelism, for_all, ordering, key_groups, std::move(spill_folder)),
                           .checkpoint = std::move(checkpoint).value_or(engine::CheckpointOptions{}),
                           .state = std::move(state).value_or(engine::StateOptions{}),
                           .threads = threads,
                           .cut_seed = cut_seed,
                           .balance_rows = balance_rows,
                           .moves = std::move(moves)};
          },
          nb::kw_only(), nb::arg("rejects").none() = nb::none(), nb::arg("strict") = false,
          nb::arg("progress").none() = nb::none(), nb::arg("parallelism") = 0, nb::arg("for_all") = false,
          nb::arg("ordering") = "place", nb::arg("key_groups") = 256, nb::arg("threads").none() = nb::none(),
          nb::arg("cut_seed").none() = nb::none(), nb::arg("balance_rows").none() = nb::none(),
          nb::arg("moves").none() = nb::none(), nb::arg("spill_folder") = "", nb::arg("checkpoint").none() = nb::none(),
          nb::arg("state").none() = nb::none());
  nb::class_<Reader>(module, "Reader", "The batches of a run, as they are asked for.")
      .def("next", &Reader::Next)
      .def("close", &Reader::Close);
  stream.def("run", &Run, nb::arg("options"))
      .def("collect", &Collect, nb::arg("options"))
      .def("to_parquet", &ToParquet, nb::arg("path"), nb::arg("row_group_rows"), nb::arg("rows_per_file"),
           nb::arg("partitions"), nb::arg("compression"), nb::arg("options"))
      .def("to_csv", &ToCsv, nb::arg("path"), nb::arg("rows_per_file"), nb::arg("partitions"), nb::arg("delimiter"),
           nb::arg("options"))
      .def("to_ipc", &ToIpc, nb::arg("path"), nb::arg("batch_rows"), nb::arg("rows_per_file"), nb::arg("partitions"),
           nb::arg("compression"), nb::arg("options"))
      .def("execution_graph", &Planned, nb::arg("job_id"), nb::arg("options"));
}

}  // namespace sabot::python
