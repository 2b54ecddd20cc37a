// Expressions: read in every form, and written as the JSON tree, which is what Python holds of one.
#include "sabot/operators/expression.h"

#include <arrow/buffer.h>
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include "python/bindings/arrow_capsules.h"
#include "python/bindings/errors.h"
#include "python/bindings/module.h"
#include "sabot/operators/expression_functions.h"

namespace sabot::python {
namespace {

std::string FromArrow(const nb::bytes& serialized) {
  const arrow::Buffer buffer(reinterpret_cast<const uint8_t*>(serialized.c_str()),
                             static_cast<int64_t>(serialized.size()));
  return operators::ToJson(*Check(operators::ExpressionFromArrow(buffer)));
}

// One column, "value", of a value a row.
ArrowResult Evaluate(const std::string& json, const nb::object& data) {
  const auto reader = ImportReader(data);
  const nb::gil_scoped_release released;
  const auto tree = Check(operators::ExpressionFromJson(json));
  const auto bound = Check(operators::BoundExpression::Bind(*tree, *reader->schema(), "evaluate"));
  const auto schema = arrow::schema({arrow::field("value", bound.type())});
  arrow::RecordBatchVector batches;
  std::shared_ptr<arrow::RecordBatch> batch;
  for (;;) {
    Check(reader->ReadNext(&batch));
    if (batch == nullptr) return {schema, std::move(batches)};
    batches.push_back(
        arrow::RecordBatch::Make(schema, batch->num_rows(), arrow::ArrayVector{Check(bound.Run(*batch))}));
  }
}

nb::list Functions() {
  nb::list rows;
  for (const auto& function : operators::ExpressionFunctions()) {
    nb::list options;
    for (const auto& option : function.options) options.append(std::string(option.name));
    nb::dict row;
    row["group"] = std::string(function.group);
    row["name"] = std::string(function.name);
    row["arguments"] = std::string(function.arguments);
    row["takes"] = std::string(function.takes);
    row["doc"] = std::string(function.doc);
    row["options"] = options;
    rows.append(row);
  }
  return rows;
}

}  // namespace

void RegisterExpressions(nb::module_& module) {
  module.def(
      "parse_expression",
      [](const std::string& text) { return operators::ToJson(*Check(operators::ParseExpression(text))); },
      nb::arg("text"), "Text form to JSON tree.");
  module.def(
      "expression_from_json",
      [](const std::string& json) { return operators::ToJson(*Check(operators::ExpressionFromJson(json))); },
      nb::arg("json"), "Any JSON tree to the canonical one.");
  module.def("expression_from_arrow", &FromArrow, nb::arg("serialized"), "What pyarrow pickles to JSON tree.");
  module.def(
      "expression_to_text",
      [](const std::string& json) { return operators::ToString(*Check(operators::ExpressionFromJson(json))); },
      nb::arg("json"), "JSON tree to text form.");
  module.def("evaluate_expression", &Evaluate, nb::arg("json"), nb::arg("data"));
  module.def("expression_functions", &Functions, "Every function an expression may call, described.");
}

}  // namespace sabot::python
