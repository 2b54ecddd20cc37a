#include "sabot/backtest/summary_file.h"

#include <arrow/array.h>
#include <arrow/builder.h>

#include <functional>
#include <variant>
#include <vector>

#include "sabot/backtest/csv_line_internal.h"

namespace sabot::backtest {
namespace {

using Value = std::variant<std::monostate, int64_t, double, std::string>;

Value Maybe(const std::optional<double>& value) { return value ? Value(*value) : Value(); }

// A column of the summary: how it is called, and what it has of a row.
struct Column {
  std::string name;
  std::shared_ptr<arrow::DataType> type;
  std::function<Value(const SummaryRow&)> value;
};

Column Of(std::string name, std::shared_ptr<arrow::DataType> type, std::function<Value(const Outcome&)> value) {
  return {std::move(name), std::move(type),
          [value = std::move(value)](const SummaryRow& row) { return row.outcome ? value(*row.outcome) : Value(); }};
}

const std::vector<Column>& Columns() {
  static const std::vector<Column> columns = {
      {"security", arrow::utf8(), [](const SummaryRow& row) { return Value(row.security); }},
      Of("trades", arrow::int64(), [](const Outcome& outcome) { return Value(outcome.trades); }),
      Of("realized_pnl", arrow::float64(), [](const Outcome& outcome) { return Value(outcome.realized_pnl); }),
      Of("market_dates", arrow::int64(), [](const Outcome& outcome) { return Value(outcome.market_dates); }),
      Of("strategy_dates", arrow::int64(), [](const Outcome& outcome) { return Value(outcome.strategy_dates); }),
      Of("final_position", arrow::float64(), [](const Outcome& outcome) { return Value(outcome.final_position); }),
      Of("volume", arrow::float64(), [](const Outcome& outcome) { return Value(outcome.volume); }),
      Of("fees", arrow::float64(), [](const Outcome& outcome) { return Value(outcome.fees); }),
      Of("max_drawdown", arrow::float64(), [](const Outcome& outcome) { return Value(outcome.max_drawdown); }),
      Of("sharpe", arrow::float64(), [](const Outcome& outcome) { return Maybe(outcome.sharpe); }),
      Of("win_rate", arrow::float64(), [](const Outcome& outcome) { return Maybe(outcome.win_rate); }),
      Of("rows", arrow::int64(), [](const Outcome& outcome) { return Value(outcome.rows); }),
      {"rejected", arrow::int64(), [](const SummaryRow& row) { return row.outcome ? Value(row.rejected) : Value(); }},
      {"error", arrow::utf8(), [](const SummaryRow& row) { return row.error.empty() ? Value() : Value(row.error); }},
  };
  return columns;
}

void Append(internal::CsvLines& lines, const Value& value) {
  if (const auto* integer = std::get_if<int64_t>(&value)) {
    lines.Integer(*integer);
  } else if (const auto* number = std::get_if<double>(&value)) {
    lines.Number(*number);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    lines.Text(*text);
  } else {
    lines.Empty();
  }
}

arrow::Status Append(arrow::ArrayBuilder& builder, const Value& value) {
  if (const auto* integer = std::get_if<int64_t>(&value)) {
    return static_cast<arrow::Int64Builder&>(builder).Append(*integer);
  }
  if (const auto* number = std::get_if<double>(&value)) {
    return static_cast<arrow::DoubleBuilder&>(builder).Append(*number);
  }
  if (const auto* text = std::get_if<std::string>(&value)) {
    return static_cast<arrow::StringBuilder&>(builder).Append(*text);
  }
  return builder.AppendNull();
}

}  // namespace

std::string SummaryText(std::span<const SummaryRow> rows) {
  internal::CsvLines lines;
  for (const auto& column : Columns()) lines.Text(column.name);
  lines.End();
  for (const auto& row : rows) {
    for (const auto& column : Columns()) Append(lines, column.value(row));
    lines.End();
  }
  return lines.text();
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> SummaryBatch(std::span<const SummaryRow> rows) {
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
  for (const auto& column : Columns()) {
    ARROW_ASSIGN_OR_RAISE(const auto builder, arrow::MakeBuilder(column.type));
    for (const auto& row : rows) ARROW_RETURN_NOT_OK(Append(*builder, column.value(row)));
    ARROW_ASSIGN_OR_RAISE(arrays.emplace_back(), builder->Finish());
    fields.push_back(arrow::field(column.name, column.type));
  }
  return arrow::RecordBatch::Make(arrow::schema(fields), static_cast<int64_t>(rows.size()), arrays);
}

}  // namespace sabot::backtest
