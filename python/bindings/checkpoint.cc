// checkpoint::Store for reading, and what runs are told of checkpoints.
#include "python/bindings/checkpoint.h"

#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "python/bindings/arrow_capsules.h"
#include "python/bindings/errors.h"
#include "python/bindings/interrupt.h"
#include "python/bindings/module.h"
#include "sabot/checkpoint/store.h"
#include "sabot/data/errors.h"
#include "sabot/engine/operator_files.h"
#include "sabot/engine/state_options.h"
#include "sabot/env/fault_point.h"
#include "sabot/state/rocksdb_store.h"

namespace nb = nanobind;

namespace sabot::python {
namespace {

checkpoint::Store OpenStore(const std::string& folder) {
  auto place = Check(env::StorageOf(folder));
  while (place.path.size() > 1 && place.path.ends_with('/')) place.path.pop_back();
  return checkpoint::Store(std::move(place.storage), std::move(place.path));
}

checkpoint::CheckpointId IdOf(const std::string& text) {
  checkpoint::CheckpointId id;
  if (!checkpoint::ParseCheckpointId(text, id)) {
    Check(data::OptionError("checkpoints: '" + text + "' is no checkpoint's id, which looks like 1-17."));
  }
  return id;
}

std::vector<std::string> List(checkpoint::Store& store) {
  const Waiting waiting;
  std::vector<std::string> ids;
  for (const auto& id : Check(store.List())) ids.push_back(id.ToString());
  return ids;
}

// Its manifest as JSON, once all of its files were found to be as they were written.
std::string Open(checkpoint::Store& store, const std::string& id) {
  const Waiting waiting;
  return Check(Check(store.Open(IdOf(id))).ToJson());
}

ArrowResult Read(checkpoint::Store& store, std::string name, int64_t bytes, std::string sha256, int64_t rows) {
  const Waiting waiting;
  const auto table =
      Check(store.Read({.name = std::move(name), .bytes = bytes, .sha256 = std::move(sha256), .rows = rows}));
  arrow::TableBatchReader reader(*table);
  return {table->schema(), Check(reader.ToRecordBatches())};
}

// All tables of one copy of an operator, whatever form its state has. A file: (name, bytes, sha256, rows).
nb::tuple ReadOperator(checkpoint::Store& store, std::string uid, int copy, std::string form,
                       const std::vector<std::tuple<std::string, int64_t, std::string, int64_t>>& files) {
  checkpoint::OperatorState op{.uid = std::move(uid), .copy = copy, .type = "", .key_by = {}, .form = std::move(form)};
  for (const auto& [name, bytes, sha256, rows] : files) {
    op.files.push_back({.name = name, .bytes = bytes, .sha256 = sha256, .rows = rows});
  }
  std::vector<std::shared_ptr<arrow::Table>> tables;
  {
    const Waiting waiting;
    tables = Check(engine::ReadOperator(store, op));
  }
  nb::list results;
  for (const auto& table : tables) {
    arrow::TableBatchReader reader(*table);
    results.append(nb::cast(ArrowResult(table->schema(), Check(reader.ToRecordBatches()))));
  }
  return nb::tuple(results);
}

void CopyTo(checkpoint::Store& store, const std::string& id, checkpoint::Store& to) {
  const Waiting waiting;
  Check(store.CopyTo(IdOf(id), to));
}

}  // namespace

nb::object CheckpointsToPython(const engine::CheckpointOptions& options, const engine::CheckpointSummary& summary) {
  if (options.folder.empty()) return nb::none();
  nb::list skipped;
  for (const auto& message : summary.skipped) skipped.append(message);
  nb::list dropped;
  for (const auto& uid : summary.dropped) dropped.append(uid);
  nb::dict entry;
  entry["restored"] = summary.restored;
  entry["restored_from"] = summary.restored_from;
  entry["skipped"] = skipped;
  entry["dropped"] = dropped;
  entry["changed"] = summary.changed;
  entry["completed"] = summary.completed;
  entry["failed"] = summary.failed;
  entry["last_error"] = summary.last_error;
  entry["newest"] = summary.newest;
  entry["bytes"] = summary.bytes;
  entry["seconds"] = summary.seconds;
  entry["stopped"] = summary.stopped;
  return entry;
}

void RegisterCheckpoint(nb::module_& module) {
  nb::class_<engine::CheckpointRequests>(module, "CheckpointRequests", "By whom a running job is told. Any thread.")
      .def(nb::init<>())
      .def("checkpoint", [](engine::CheckpointRequests& requests) { requests.checkpoint = true; })
      .def("stop", [](engine::CheckpointRequests& requests) { requests.stop = true; })
      .def("clear", [](engine::CheckpointRequests& requests) { requests.checkpoint = requests.stop = false; });
  nb::class_<engine::CheckpointOptions>(module, "CheckpointOptions", "Checkpoints of a run into files.")
      .def(
          "__init__",
          [](engine::CheckpointOptions* self, std::string folder, int64_t interval_ms, int keep, bool resume,
             std::string savepoint, bool new_output, std::vector<std::string> drop, std::string job,
             std::shared_ptr<engine::CheckpointRequests> requests) {
            new (self) engine::CheckpointOptions{.folder = std::move(folder),
                                                 .interval_ms = interval_ms,
                                                 .keep = keep,
                                                 .resume = resume,
                                                 .from = std::move(savepoint),
                                                 .new_output = new_output,
                                                 .drop = std::move(drop),
                                                 .job = std::move(job),
                                                 .requests = std::move(requests)};
          },
          nb::kw_only(), nb::arg("folder"), nb::arg("interval_ms"), nb::arg("keep"), nb::arg("resume"),
          nb::arg("savepoint"), nb::arg("new_output"), nb::arg("drop"), nb::arg("job"), nb::arg("requests"));
  nb::class_<engine::StateOptions>(module, "StateOptions", "Where a run's state by key lies.")
      .def(
          "__init__",
          [](engine::StateOptions* self, std::string backend, std::string folder, int64_t cached_bytes) {
            new (self) engine::StateOptions{
                .backend = std::move(backend), .folder = std::move(folder), .cached_bytes = cached_bytes};
          },
          nb::kw_only(), nb::arg("backend"), nb::arg("folder"), nb::arg("cached_bytes"));
  module.def("has_rocksdb", &state::HasRocksDb);
  nb::class_<checkpoint::Store>(module, "CheckpointStore", "The checkpoints in a folder. One thread at a time.")
      .def(
          "__init__",
          [](checkpoint::Store* self, const std::string& folder) { new (self) checkpoint::Store(OpenStore(folder)); },
          nb::arg("folder"))
      .def("list", &List)
      .def("open", &Open, nb::arg("id"))
      .def("read", &Read, nb::kw_only(), nb::arg("name"), nb::arg("bytes"), nb::arg("sha256"), nb::arg("rows"))
      .def("read_operator", &ReadOperator, nb::kw_only(), nb::arg("uid"), nb::arg("copy"), nb::arg("form"),
           nb::arg("files"))
      .def("copy_to", &CopyTo, nb::arg("id"), nb::arg("to"));
  module.def("fault_points",
             [] { return std::vector<std::string>(env::kFaultPoints.begin(), env::kFaultPoints.end()); });
}

}  // namespace sabot::python
