// engine::Stream, and the reader of its batches.
#include "sabot/engine/stream.h"

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>

#include "python/bindings/arrow_capsules.h"
#include "python/bindings/errors.h"
#include "python/bindings/interrupt.h"
#include "python/bindings/module.h"
#include "python/bindings/options.h"

namespace sabot::python {
namespace {

engine::RunContext Context() { return {.interrupt = std::make_shared<PythonInterrupt>()}; }

// The batches of a run, one at a time.
class Reader {
 public:
  explicit Reader(std::shared_ptr<arrow::RecordBatchReader> reader) : reader_(std::move(reader)) {}

  std::optional<ArrowResult> Next() {
    std::shared_ptr<arrow::RecordBatch> batch;
    const nb::gil_scoped_release released;
    const std::scoped_lock lock(mutex_);
    Check(reader_->ReadNext(&batch));
    if (batch == nullptr) return std::nullopt;
    rows_ += batch->num_rows();
    return ArrowResult(batch);
  }
  int64_t rows() const { return rows_; }

 private:
  std::mutex mutex_;
  std::shared_ptr<arrow::RecordBatchReader> reader_;
  int64_t rows_ = 0;
};

engine::Stream FromSource(nb::object open, const nb::object& schema) {
  // Streams are copied and dropped by threads that may not hold the GIL.
  const std::shared_ptr<nb::object> callable(new nb::object(std::move(open)), [](nb::object* held) {
    const nb::gil_scoped_acquire gil;
    delete held;
  });
  return engine::Stream::FromSource("python", ImportSchema(schema),
                                    [callable]() -> arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> {
                                      const nb::gil_scoped_acquire gil;
                                      return ImportReader((*callable)());
                                    });
}

engine::Stream FromGenerator(int64_t rows, int32_t symbols, uint64_t seed, std::string kind, int64_t batch_rows,
                             double skew, int64_t start_ns, int64_t mean_gap_ns, double late, double gaps, double nulls,
                             bool dictionary_symbols) {
  return Check(engine::Stream::FromGenerator({.rows = rows,
                                              .symbols = symbols,
                                              .seed = seed,
                                              .kind = std::move(kind),
                                              .batch_rows = batch_rows,
                                              .skew = skew,
                                              .start_ns = start_ns,
                                              .mean_gap_ns = mean_gap_ns,
                                              .late = late,
                                              .gaps = gaps,
                                              .nulls = nulls,
                                              .dictionary_symbols = dictionary_symbols}));
}

engine::Stream Kernel(const engine::Stream& stream, const std::string& name, const nb::dict& options,
                      const nb::dict& columns, const nb::dict& outputs, std::vector<std::string> by) {
  return Check(stream.Kernel(SpecFromPython(nb::make_tuple(name, options, columns, outputs)), std::move(by)));
}

ArrowResult Collect(const engine::Stream& stream) {
  const nb::gil_scoped_release released;
  const auto reader = Check(stream.Run(Context()));
  auto batches = Check(reader->ToRecordBatches());
  return {reader->schema(), std::move(batches)};
}

nb::dict ToParquet(const engine::Stream& stream, const std::string& path, int64_t row_group_rows,
                   std::string compression) {
  engine::RunSummary summary;
  {
    const nb::gil_scoped_release released;
    summary = Check(
        stream.ToParquet(path, {.row_group_rows = row_group_rows, .compression = std::move(compression)}, Context()));
  }
  nb::dict entry;
  entry["rows_read"] = summary.rows_read;
  entry["rows_written"] = summary.rows_written;
  entry["seconds"] = summary.seconds;
  return entry;
}

}  // namespace

void RegisterStream(nb::module_& module) {
  nb::class_<Reader>(module, "Reader", "The batches of a run, as they are asked for.")
      .def("next", &Reader::Next)
      .def_prop_ro("rows_read", &Reader::rows)
      .def_prop_ro("rows_written", &Reader::rows);
  nb::class_<engine::Stream>(module, "Stream", "A pipeline: source and kernels. Immutable.")
      .def_static(
          "from_parquet",
          [](const std::string& path, std::vector<std::string> columns, int64_t batch_rows) {
            return Check(engine::Stream::FromParquet(path, {.columns = std::move(columns), .batch_rows = batch_rows}));
          },
          nb::arg("path"), nb::arg("columns"), nb::arg("batch_rows"))
      .def_static("from_generator", &FromGenerator, nb::kw_only(), nb::arg("rows"), nb::arg("symbols"), nb::arg("seed"),
                  nb::arg("kind"), nb::arg("batch_rows"), nb::arg("skew"), nb::arg("start_ns"), nb::arg("mean_gap_ns"),
                  nb::arg("late"), nb::arg("gaps"), nb::arg("nulls"), nb::arg("dictionary_symbols"))
      .def_static("from_source", &FromSource, nb::arg("open"), nb::arg("schema"))
      .def("kernel", &Kernel, nb::arg("name"), nb::arg("options"), nb::arg("columns"), nb::arg("outputs"),
           nb::arg("by"))
      .def_prop_ro("schema", [](const engine::Stream& stream) { return ArrowSchemaResult{stream.schema()}; })
      .def("run", [](const engine::Stream& stream) { return std::make_unique<Reader>(Check(stream.Run(Context()))); })
      .def("collect", &Collect)
      .def("to_parquet", &ToParquet, nb::arg("path"), nb::arg("row_group_rows"), nb::arg("compression"))
      .def("__repr__", &engine::Stream::ToString);
}

}  // namespace sabot::python
