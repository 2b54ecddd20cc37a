#include "sabot/ticks/sheet_ticks.h"

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include "sabot/data/errors.h"
#include "sabot/ticks/tick_cells.h"
#include "sabot/ticks/tick_columns.h"

namespace sabot::ticks {
namespace {

using connectors::Cell;
using connectors::SheetReader;
using connectors::SheetRow;

constexpr int64_t kTakenRows = 4'096;
constexpr int64_t kRowsLookedAt = 20;  // Behind the row that should be a header, for one that is.

// The names of a row's cells, by column.
std::vector<std::string> NamesOf(const SheetRow& row) {
  constexpr int32_t kColumnsMax = 16'384;
  std::vector<std::string> names;
  for (const Cell& cell : row.cells) {
    if (cell.column < 0 || cell.column >= kColumnsMax) continue;
    names.resize(static_cast<std::size_t>(cell.column) + 1);
    names.back() = cell.text;
  }
  return names;
}

bool IsHeader(const SheetRow& row) {
  const auto columns = FindTickColumns(NamesOf(row));
  return columns.ok() && columns->are_ticks();
}

std::vector<std::string> WithoutEmpty(std::vector<std::string> names) {
  std::erase(names, "");
  return names;
}

// The row is no header: why, and which row is one. Reads on.
arrow::Status NoHeader(SheetReader& sheet, int64_t header_row, const std::string& why,
                       std::optional<int64_t> header_at) {
  SheetRow row;
  while (!header_at) {
    ARROW_ASSIGN_OR_RAISE(const bool more, sheet.Next(&row));
    if (!more || row.number > header_row + kRowsLookedAt) break;
    if (IsHeader(row)) header_at = row.number;
  }
  std::string advice = ". Name the columns in that row, or say with header_row where they are named.";
  if (header_at) {
    advice =
        ". Row " + std::to_string(*header_at) + " looks like it: set header_row to " + std::to_string(*header_at) + ".";
  }
  return data::SchemaError("row " + std::to_string(header_row) + " is no header of ticks: " + why + advice);
}

}  // namespace

arrow::Status ReadSheetTicks(SheetReader& sheet, const SheetTicksOptions& options, const SheetTicksTaker& taker) {
  SheetRow row;
  std::optional<int64_t> header_before;
  bool more = true;
  for (;;) {
    ARROW_ASSIGN_OR_RAISE(more, sheet.Next(&row));
    if (!more || row.number >= options.header_row) break;
    if (!header_before && IsHeader(row)) header_before = row.number;
  }
  if (!more) return NoHeader(sheet, options.header_row, "the sheet ends before it", header_before);
  if (row.number > options.header_row) {
    if (!header_before && IsHeader(row)) header_before = row.number;
    return NoHeader(sheet, options.header_row, "it is blank", header_before);
  }
  auto names = NamesOf(row);
  ARROW_ASSIGN_OR_RAISE(const auto columns, FindTickColumns(names));
  if (!columns.are_ticks()) {
    const auto why = ExplainMissing(columns, WithoutEmpty(std::move(names)));
    return NoHeader(sheet, options.header_row, why, header_before);
  }

  const TickCells cells(columns, std::move(names), {.date1904 = options.date1904, .day_first = options.day_first});
  ARROW_RETURN_NOT_OK(taker.begin(cells.has_side()));
  TickBuffer ticks;
  Tick tick;
  std::string reason;
  for (;;) {
    ARROW_ASSIGN_OR_RAISE(more, sheet.Next(&row));
    if (!more) break;
    switch (cells.Read(row, &tick, &reason)) {
      case TickCells::Outcome::kTick:
        ticks.Append(tick);
        break;
      case TickCells::Outcome::kRejected:
        ARROW_RETURN_NOT_OK(taker.reject(row.number, reason, TextOf(row)));
        break;
      case TickCells::Outcome::kBlank:
        break;
    }
    if (ticks.rows() < kTakenRows) continue;
    ARROW_RETURN_NOT_OK(taker.take(ticks));
    ticks.Clear();
  }
  return taker.take(ticks);
}

}  // namespace sabot::ticks
