// Workbooks as they are read, for tests that compare with other readers.
#include "sabot/connectors/workbook.h"

#include <arrow/builder.h>
#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "python/bindings/arrow_capsules.h"
#include "python/bindings/errors.h"
#include "python/bindings/module.h"
#include "sabot/data/errors.h"

namespace sabot::python {
namespace {

// The names of its sheets, and whether its dates count from 1904.
std::pair<std::vector<std::string>, bool> ReadSheetNames(const std::string& path) {
  const nb::gil_scoped_release released;
  const auto workbook = Check(connectors::Workbook::Open(path));
  return {workbook->sheets(), workbook->date1904()};
}

// A row for each cell: its row (from 1) and column (from 0), of which kind it is, its number and its text.
ArrowResult ReadSheet(const std::string& path, const std::string& sheet) {
  static constexpr std::array<const char*, 5> kKinds = {"number", "text", "bool", "error", "date"};
  const nb::gil_scoped_release released;
  const auto workbook = Check(connectors::Workbook::Open(path));
  const auto& names = workbook->sheets();
  const auto found = std::ranges::find(names, sheet);
  if (found == names.end()) {
    Check(data::OptionError("'" + path + "' has no sheet '" + sheet + "'." + data::NearestNames(sheet, names)));
  }
  const auto reader = Check(workbook->OpenSheet(static_cast<int>(found - names.begin())));
  arrow::Int64Builder rows;
  arrow::Int32Builder columns;
  arrow::StringBuilder kinds;
  arrow::DoubleBuilder numbers;
  arrow::StringBuilder texts;
  connectors::SheetRow row;
  while (Check(reader->Next(&row))) {
    for (const connectors::Cell& cell : row.cells) {
      Check(rows.Append(row.number));
      Check(columns.Append(cell.column));
      Check(kinds.Append(kKinds[static_cast<std::size_t>(cell.kind)]));
      Check(numbers.Append(cell.number));
      Check(texts.Append(cell.text));
    }
  }
  const auto schema =
      arrow::schema({arrow::field("row", arrow::int64(), false), arrow::field("column", arrow::int32(), false),
                     arrow::field("kind", arrow::utf8(), false), arrow::field("number", arrow::float64(), false),
                     arrow::field("text", arrow::utf8(), false)});
  const int64_t cells = rows.length();
  return {schema,
          {arrow::RecordBatch::Make(schema, cells,
                                    {Check(rows.Finish()), Check(columns.Finish()), Check(kinds.Finish()),
                                     Check(numbers.Finish()), Check(texts.Finish())})}};
}

}  // namespace

void RegisterWorkbook(nb::module_& module) {
  module.def("read_workbook_sheets", &ReadSheetNames, nb::arg("path"));
  module.def("read_workbook_sheet", &ReadSheet, nb::arg("path"), nb::arg("sheet"));
  module.def("workbook_serial_to_nanoseconds", &connectors::SerialToNanoseconds, nb::arg("serial"),
             nb::arg("date1904"));
}

}  // namespace sabot::python
