#include "sabot/backtest/activity_file.h"

#include <arrow/builder.h>

#include "sabot/graph/json_text.h"

namespace sabot::backtest {
std::vector<std::pair<std::string, int64_t>> ActivityCounts(const Outcome& outcome) {
  const Activity& activity = outcome.activity;
  std::vector<std::pair<std::string, int64_t>> counts = {
      {"ticks", outcome.rows},
      {"outside_session", activity.outside_session},
      {"book_missing", activity.book_missing},
      {"book_crossed", outcome.crossed},
      {"market_trades", activity.market_trades},
      {"orders", activity.orders.sent},
      {"orders_cut", activity.orders.cut},
      {"equity_interval_ns", outcome.equity_interval_ns},
  };
  for (const auto& [refusal, name] : kRefusals) {
    counts.emplace_back("refused_" + std::string(name), activity.orders.refused[static_cast<std::size_t>(refusal)]);
  }
  return counts;
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> ActivityBatch(std::span<const SummaryRow> rows) {
  arrow::StringBuilder securities;
  arrow::StringBuilder sessions;
  for (const auto& row : rows) {
    ARROW_RETURN_NOT_OK(securities.Append(row.security));
    const bool has_session = row.outcome && !row.outcome->activity.session.empty();
    ARROW_RETURN_NOT_OK(has_session ? sessions.Append(row.outcome->activity.session) : sessions.AppendNull());
  }
  arrow::ArrayVector arrays(2);
  ARROW_ASSIGN_OR_RAISE(arrays[0], securities.Finish());
  ARROW_ASSIGN_OR_RAISE(arrays[1], sessions.Finish());
  arrow::FieldVector fields{arrow::field("security", arrow::utf8()), arrow::field("session", arrow::utf8())};
  const auto names = ActivityCounts({});
  std::vector<arrow::Int64Builder> columns(names.size());
  for (const auto& row : rows) {
    const auto counts = ActivityCounts(row.outcome.value_or(Outcome()));
    for (std::size_t i = 0; i < counts.size(); ++i) {
      ARROW_RETURN_NOT_OK(row.outcome ? columns[i].Append(counts[i].second) : columns[i].AppendNull());
    }
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    ARROW_ASSIGN_OR_RAISE(arrays.emplace_back(), columns[i].Finish());
    fields.push_back(arrow::field(names[i].first, arrow::int64()));
  }
  return arrow::RecordBatch::Make(arrow::schema(fields), static_cast<int64_t>(rows.size()), arrays);
}

std::string ActivityText(std::span<const SummaryRow> rows) {
  std::string text;
  for (const auto& row : rows) {
    if (!row.outcome) continue;
    const std::string& session = row.outcome->activity.session;
    graph::Json counts = graph::Json::object();
    counts["session"] = session.empty() ? graph::Json(nullptr) : graph::Json(session);
    for (const auto& [name, count] : ActivityCounts(*row.outcome)) counts[name] = count;
    text += (text.empty() ? "" : ",\n") + graph::Dump(graph::Json(row.security)) + ": " + graph::Dump(counts);
  }
  return text.empty() ? "{}\n" : "{\n" + text + "\n}\n";
}

}  // namespace sabot::backtest
