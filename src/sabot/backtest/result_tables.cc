#include "sabot/backtest/result_tables.h"

#include <cmath>
#include <string_view>

#include "sabot/backtest/result_files.h"

namespace sabot::backtest {
namespace {

template <class Row, class Value>
arrow::Result<std::shared_ptr<arrow::Array>> Times(std::span<const Row> rows, Value value) {
  arrow::TimestampBuilder builder(arrow::timestamp(arrow::TimeUnit::NANO), arrow::default_memory_pool());
  ARROW_RETURN_NOT_OK(builder.Reserve(static_cast<int64_t>(rows.size())));
  for (const auto& row : rows) builder.UnsafeAppend(value(row));
  return builder.Finish();
}

template <class Row, class Value>
arrow::Result<std::shared_ptr<arrow::Array>> Numbers(std::span<const Row> rows, Value value) {
  arrow::DoubleBuilder builder;
  ARROW_RETURN_NOT_OK(builder.Reserve(static_cast<int64_t>(rows.size())));
  for (const auto& row : rows) {
    const double number = value(row);
    std::isfinite(number) ? builder.UnsafeAppend(number) : builder.UnsafeAppendNull();
  }
  return builder.Finish();
}

template <class Row, class Value>
arrow::Result<std::shared_ptr<arrow::Array>> Names(std::span<const Row> rows, Value value) {
  arrow::StringBuilder builder;
  for (const auto& row : rows) ARROW_RETURN_NOT_OK(builder.Append(NameOf(value(row))));
  return builder.Finish();
}

std::shared_ptr<arrow::Field> TimeField() { return arrow::field("timestamp", arrow::timestamp(arrow::TimeUnit::NANO)); }

}  // namespace

std::shared_ptr<arrow::Schema> TradesSchema() {
  const auto number = arrow::float64();
  return arrow::schema({TimeField(), arrow::field("side", arrow::utf8()), arrow::field("fill_price", number),
                        arrow::field("fill_qty", number), arrow::field("realized_pnl", number),
                        arrow::field("position", number), arrow::field("pnl", number),
                        arrow::field("kind", arrow::utf8())});
}

std::shared_ptr<arrow::Schema> EquitySchema() {
  const auto number = arrow::float64();
  return arrow::schema({TimeField(), arrow::field("position", number), arrow::field("mid", number),
                        arrow::field("pnl", number), arrow::field("equity", number)});
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> TradesBatch(std::span<const TradeRow> rows) {
  arrow::ArrayVector columns(8);
  ARROW_ASSIGN_OR_RAISE(columns[0], Times(rows, [](const TradeRow& row) { return row.timestamp; }));
  ARROW_ASSIGN_OR_RAISE(columns[1], Names(rows, [](const TradeRow& row) { return row.side; }));
  ARROW_ASSIGN_OR_RAISE(columns[2], Numbers(rows, [](const TradeRow& row) { return row.price; }));
  ARROW_ASSIGN_OR_RAISE(columns[3], Numbers(rows, [](const TradeRow& row) { return row.quantity; }));
  ARROW_ASSIGN_OR_RAISE(columns[4], Numbers(rows, [](const TradeRow& row) { return row.realized_pnl; }));
  ARROW_ASSIGN_OR_RAISE(columns[5], Numbers(rows, [](const TradeRow& row) { return row.position; }));
  ARROW_ASSIGN_OR_RAISE(columns[6], Numbers(rows, [](const TradeRow& row) { return row.pnl; }));
  ARROW_ASSIGN_OR_RAISE(columns[7], Names(rows, [](const TradeRow& row) { return row.kind; }));
  return arrow::RecordBatch::Make(TradesSchema(), static_cast<int64_t>(rows.size()), columns);
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> EquityBatch(std::span<const EquityRow> rows) {
  arrow::ArrayVector columns(5);
  ARROW_ASSIGN_OR_RAISE(columns[0], Times(rows, [](const EquityRow& row) { return row.timestamp; }));
  ARROW_ASSIGN_OR_RAISE(columns[1], Numbers(rows, [](const EquityRow& row) { return row.position; }));
  ARROW_ASSIGN_OR_RAISE(columns[2], Numbers(rows, [](const EquityRow& row) { return row.mid; }));
  ARROW_ASSIGN_OR_RAISE(columns[3], Numbers(rows, [](const EquityRow& row) { return row.pnl; }));
  ARROW_ASSIGN_OR_RAISE(columns[4], Numbers(rows, [](const EquityRow& row) { return row.equity; }));
  return arrow::RecordBatch::Make(EquitySchema(), static_cast<int64_t>(rows.size()), columns);
}

}  // namespace sabot::backtest
