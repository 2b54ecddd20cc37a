#include "sabot/ticks/tick_cells.h"

#include <cmath>
#include <cstddef>
#include <string_view>
#include <utility>

#include "sabot/ticks/tick_times.h"
#include "sabot/ticks/tick_values.h"

namespace sabot::ticks {
namespace {

using connectors::Cell;
using connectors::SerialToNanoseconds;
using connectors::SheetRow;

constexpr double kSerialOf1970 = 25'569;
constexpr int64_t kDay = 86'400'000'000'000;

std::string Quoted(const Cell& cell) { return "'" + std::string(cell.text) + "'"; }

bool IsText(const Cell& cell) { return cell.kind == Cell::Kind::kText || cell.kind == Cell::Kind::kDate; }

TickTime Serial(double serial, bool date1904) {
  if (serial >= 0 && serial < 1) return {.wrong = "is a time of day without a date"};
  const auto nanoseconds = SerialToNanoseconds(serial, date1904);
  if (!nanoseconds) return {.wrong = "is no date: Excel counts days, from 1 on"};
  return {.nanoseconds = *nanoseconds};
}

TickTime DateOf(const Cell& cell, const TickCells::Options& options) {
  if (IsText(cell)) return ParseTickDate(cell.text, options.day_first);
  if (cell.number != std::floor(cell.number)) return {.wrong = "has a time of day, and another column has it, too"};
  return Serial(cell.number, options.date1904);
}

// Since midnight of `day`, of a time of day, or of a date and time of that day.
TickTime ClockOf(const Cell& cell, int64_t day, const TickCells::Options& options) {
  if (IsText(cell)) return ParseTimeOfDay(cell.text);
  if (cell.number >= 0 && cell.number < 1) return Serial(kSerialOf1970 + cell.number, /*date1904=*/false);
  TickTime time = Serial(cell.number, options.date1904);
  if (!time.ok()) return {.wrong = "is no time of day: Excel counts it from 0 to 1"};
  time.nanoseconds -= day;
  if (time.nanoseconds < 0 || time.nanoseconds >= kDay) return {.wrong = kOtherDate};
  return time;
}

}  // namespace

// The cells of a row that say something, by what they say.
struct TickCells::Found {
  const Cell* time = nullptr;
  const Cell* date = nullptr;
  const Cell* clock = nullptr;
  const Cell* type = nullptr;
  const Cell* price = nullptr;
  const Cell* volume = nullptr;
  const Cell* side = nullptr;
};

TickCells::TickCells(const TickColumnPositions& columns, std::vector<std::string> names, Options options)
    : columns_(columns), names_(std::move(names)), options_(options) {}

TickCells::Outcome TickCells::Read(const SheetRow& row, Tick* tick, std::string* reason) const {
  Found cells;
  bool is_blank = true;
  for (const Cell& cell : row.cells) {
    if (cell.kind == Cell::Kind::kText && WithoutBlanks(cell.text).empty()) continue;
    is_blank = false;
    if (cell.column == columns_.time) cells.time = &cell;
    if (cell.column == columns_.date) cells.date = &cell;
    if (cell.column == columns_.clock) cells.clock = &cell;
    if (cell.column == columns_.type) cells.type = &cell;
    if (cell.column == columns_.price) cells.price = &cell;
    if (cell.column == columns_.volume) cells.volume = &cell;
    if (cell.column == columns_.side) cells.side = &cell;
  }
  if (is_blank) return Outcome::kBlank;

  if (!ReadTime(cells, &tick->timestamp, reason)) return Outcome::kRejected;
  const auto type = cells.type != nullptr && IsText(*cells.type) ? TickTypeOf(cells.type->text) : std::nullopt;
  if (!type) {
    const std::string found = cells.type == nullptr ? "blank" : Quoted(*cells.type);
    return *reason = Name(columns_.type) + ": " + found + ", expected BID, ASK or TRADE", Outcome::kRejected;
  }
  tick->type = *type;
  if (!ReadNumber(cells.price, columns_.price, &tick->price, reason)) return Outcome::kRejected;
  if (!IsPrice(tick->price)) {
    *reason = Name(columns_.price) + ": " + Quoted(*cells.price) + ", expected a finite number above zero";
    return Outcome::kRejected;
  }
  if (!ReadNumber(cells.volume, columns_.volume, &tick->volume, reason)) return Outcome::kRejected;
  if (!IsVolume(tick->volume)) {
    *reason = Name(columns_.volume) + ": " + Quoted(*cells.volume) + ", expected a finite number, zero or more";
    return Outcome::kRejected;
  }
  tick->side = 0;
  if (cells.side == nullptr || tick->type != TickType::kTrade) return Outcome::kTick;
  const auto side = SideOf(cells.side->text);
  if (!side) {
    return *reason = Name(columns_.side) + ": " + Quoted(*cells.side) + ", expected BUY, SELL, 1 or -1",
           Outcome::kRejected;
  }
  tick->side = static_cast<int8_t>(*side);
  return Outcome::kTick;
}

bool TickCells::ReadTime(const Found& cells, int64_t* timestamp, std::string* reason) const {
  const auto read = [&](const Cell* cell, int column, auto&& read_cell) {
    if (cell == nullptr) return *reason = Name(column) + ": blank, expected a date", false;
    if (cell->kind == Cell::Kind::kError || cell->kind == Cell::Kind::kBool) {
      return *reason = Name(column) + ": " + Quoted(*cell) + ", expected a date", false;
    }
    const TickTime time = read_cell(*cell);
    if (!time.ok()) return *reason = Name(column) + ": " + Quoted(*cell) + " " + time.wrong, false;
    *timestamp += time.nanoseconds;
    return true;
  };
  *timestamp = 0;
  if (columns_.time != kNoColumn) {
    return read(cells.time, columns_.time, [this](const Cell& cell) {
      return IsText(cell) ? ParseTickTime(cell.text, options_.day_first) : Serial(cell.number, options_.date1904);
    });
  }
  return read(cells.date, columns_.date, [this](const Cell& cell) { return DateOf(cell, options_); }) &&
         read(cells.clock, columns_.clock, [&, this](const Cell& cell) { return ClockOf(cell, *timestamp, options_); });
}

bool TickCells::ReadNumber(const Cell* cell, int column, double* number, std::string* reason) const {
  if (cell != nullptr && cell->kind == Cell::Kind::kNumber) return *number = cell->number, true;
  if (cell != nullptr && cell->kind == Cell::Kind::kText) {
    if (const auto read = NumberOf(cell->text)) return *number = *read, true;
  }
  *reason = Name(column) + ": " + (cell == nullptr ? "blank" : Quoted(*cell)) + ", expected a number";
  return false;
}

std::string TextOf(const SheetRow& row) {
  std::string text;
  int32_t column = 0;
  for (const Cell& cell : row.cells) {
    while (column < cell.column && column < 64) {  // Blank ones; not sixteen thousand of them.
      text += ',';
      ++column;
    }
    text += cell.text;
  }
  return text;
}

}  // namespace sabot::ticks
