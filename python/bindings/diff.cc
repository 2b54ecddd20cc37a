// engine::Diff and engine::RowDigest of anything Arrow.
#include "sabot/engine/diff.h"

#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <string>

#include "python/bindings/arrow_capsules.h"
#include "python/bindings/errors.h"
#include "python/bindings/interrupt.h"
#include "python/bindings/module.h"
#include "sabot/engine/row_digest.h"

namespace sabot::python {
namespace {

nb::dict Describe(const engine::ColumnDiff& column) {
  nb::dict entry;
  entry["column"] = column.column;
  entry["values"] = column.values;
  entry["first_row"] = column.first_row;
  entry["key"] = column.key;
  entry["left"] = column.left;
  entry["right"] = column.right;
  entry["max_difference"] = column.max_difference;
  return entry;
}

nb::dict Diff(const nb::object& left, const nb::object& right, std::string by, bool nan_bits) {
  const auto left_reader = ImportReader(left);
  const auto right_reader = ImportReader(right);
  engine::DiffResult result;
  {
    const nb::gil_scoped_release released;
    result = Check(engine::Diff(*left_reader, *right_reader, {.by = std::move(by), .nan_bits = nan_bits},
                                std::make_shared<PythonInterrupt>()));
  }
  nb::list columns;
  for (const auto& column : result.columns) columns.append(Describe(column));
  nb::dict entry;
  entry["schema"] = result.schema;
  entry["rows"] = nb::make_tuple(result.rows_left, result.rows_right);
  entry["columns_compared"] = result.columns_compared;
  entry["columns"] = columns;
  entry["first"] = result.first;
  return entry;
}

void AddTo(engine::RowDigest& digest, const nb::object& data) {
  const auto reader = ImportReader(data);
  const nb::gil_scoped_release released;
  std::shared_ptr<arrow::RecordBatch> batch;
  for (;;) {
    Check(reader->ReadNext(&batch));
    if (batch == nullptr) return;
    Check(digest.Add(*batch));
  }
}

}  // namespace

void RegisterDiff(nb::module_& module) {
  module.def("diff", &Diff, nb::arg("left"), nb::arg("right"), nb::arg("by"), nb::arg("nan_bits"));
  nb::class_<engine::RowDigest>(module, "RowDigest", "A digest of rows in their order.")
      .def(
          "__init__",
          [](engine::RowDigest* self, const nb::object& schema) { new (self) engine::RowDigest(ImportSchema(schema)); },
          nb::arg("schema"))
      .def("add", &AddTo, nb::arg("data"))
      .def_prop_ro("rows", &engine::RowDigest::rows)
      .def_prop_ro("hex", &engine::RowDigest::Hex);
}

}  // namespace sabot::python
