// engine::Diff of anything Arrow.
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

}  // namespace

void RegisterDiff(nb::module_& module) {
  module.def("diff", &Diff, nb::arg("left"), nb::arg("right"), nb::arg("by"), nb::arg("nan_bits"));
}

}  // namespace sabot::python
