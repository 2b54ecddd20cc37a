#include "sabot/ticks/tick_cells.h"

#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <string>
#include <vector>

#include "sabot/data/errors.h"
#include "sabot/ticks/sheet_ticks.h"

namespace sabot::ticks {
namespace {

using connectors::Cell;
using connectors::SheetReader;
using connectors::SheetRow;

// A cell of a test: a number, a text, or nothing.
struct Value {
  Value(double found) : number(found), kind(Cell::Kind::kNumber), text(std::to_string(found)) {}  // NOLINT
  Value(const char* found) : text(found) {}                                                     // NOLINT
  Value(Cell::Kind found, const char* written) : kind(found), text(written) {}

  double number = 0;
  Cell::Kind kind = Cell::Kind::kText;
  std::string text;
};

using Values = std::vector<Value>;

// Its texts are those of the values.
SheetRow RowOf(int64_t number, const Values& values) {
  SheetRow row{.number = number, .cells = {}};
  for (std::size_t column = 0; column < values.size(); ++column) {
    const Value& value = values[column];
    if (value.text.empty()) continue;
    row.cells.push_back(
        {.column = static_cast<int32_t>(column), .kind = value.kind, .number = value.number, .text = value.text});
  }
  return row;
}

// A sheet that is made up.
class MadeUpSheet final : public SheetReader {
 public:
  // Rows are numbered from 1; those without values are not there.
  explicit MadeUpSheet(std::vector<Values> rows) : rows_(std::move(rows)) {}

  arrow::Result<bool> Next(SheetRow* row) override {
    while (next_ < rows_.size() && rows_[next_].empty()) ++next_;
    if (next_ == rows_.size()) return false;
    *row = RowOf(static_cast<int64_t>(next_) + 1, rows_[next_]);
    ++next_;
    return true;
  }
  double done() const override { return static_cast<double>(next_) / static_cast<double>(rows_.size()); }

 private:
  std::vector<Values> rows_;
  std::size_t next_ = 0;
};

const Values kHeader = {"Dates", "Type", "Price", "Size", "Side"};
constexpr double kSerial = 45'512.5;  // 2024-08-08 12:00.
constexpr int64_t kNoon = 1'723'118'400'000'000'000;

TickCells Cells(std::vector<std::string> names = {"Dates", "Type", "Price", "Size", "Side"}) {
  return TickCells(FindTickColumns(names).ValueOrDie(), names, {});
}

// What becomes of a row: the reason, or "tick", or "blank".
std::string Of(const Values& values, const TickCells& cells = Cells()) {
  Tick tick;
  std::string reason;
  const SheetRow row = RowOf(7, values);
  switch (cells.Read(row, &tick, &reason)) {
    case TickCells::Outcome::kTick:
      return "tick";
    case TickCells::Outcome::kBlank:
      return "blank";
    case TickCells::Outcome::kRejected:
      return reason;
  }
  return "";
}

TEST(TickCells, SaysWhyARowIsNoTick) {
  EXPECT_EQ(Of({Value(Cell::Kind::kError, "#N/A"), "BID", 1.0, 1.0}), "column 'Dates': '#N/A', expected a date");
  EXPECT_EQ(Of({Value(Cell::Kind::kBool, "1"), "BID", 1.0, 1.0}), "column 'Dates': '1', expected a date");
  EXPECT_EQ(Of({0.5, "BID", 1.0, 1.0}), "column 'Dates': '0.500000' is a time of day without a date");
  EXPECT_EQ(Of({0.0, "BID", 1.0, 1.0}), "column 'Dates': '0.000000' is a time of day without a date");
  EXPECT_EQ(Of({60.5, "BID", 1.0, 1.0}), "column 'Dates': '60.500000' is no date: Excel counts days, from 1 on");
  EXPECT_EQ(Of({kSerial, "", 1.0, 1.0}), "column 'Type': blank, expected BID, ASK or TRADE");
  EXPECT_EQ(Of({kSerial, "BIDS", 1.0, 1.0}), "column 'Type': 'BIDS', expected BID, ASK or TRADE");
  EXPECT_EQ(Of({kSerial, "BID", Value(Cell::Kind::kError, "#DIV/0!"), 1.0}),
            "column 'Price': '#DIV/0!', expected a number");
  EXPECT_EQ(Of({kSerial, "BID", Value(Cell::Kind::kBool, "1"), 1.0}), "column 'Price': '1', expected a number");
  EXPECT_EQ(Of({kSerial, "BID", 1.0, ""}), "column 'Size': blank, expected a number");
  EXPECT_EQ(Of({kSerial, "TRADE", 1.0, 1.0, "maker"}), "column 'Side': 'maker', expected BUY, SELL, 1 or -1");
}

TEST(TickCells, ARowOfBlanksIsNone) {
  EXPECT_EQ(Of({}), "blank");
  EXPECT_EQ(Of({"  ", "\t", " "}), "blank");
  EXPECT_EQ(Of({"", "", "", "", "", "a note"}), "column 'Dates': blank, expected a date");
}

TEST(TickCells, ReadsDateAndTimeOfTwoColumns) {
  const std::vector<std::string> names = {"Date", "Time", "Type", "Price", "Volume"};
  const auto cells = Cells(names);
  const auto time_of = [&](const Value& date, const Value& time) {
    Tick tick;
    std::string reason;
    const Values values = {date, time, "ask", 1.0, 0.0};
    const SheetRow row = RowOf(1, values);
    return cells.Read(row, &tick, &reason) == TickCells::Outcome::kTick ? std::to_string(tick.timestamp) : reason;
  };
  const std::string noon = std::to_string(kNoon);
  EXPECT_EQ(time_of(45'512.0, 0.5), noon);
  EXPECT_EQ(time_of("8/8/2024", "12:00"), noon);
  EXPECT_EQ(time_of("2024-08-08 00:00:00", 0.5), noon);
  EXPECT_EQ(time_of(45'512.0, 0.75 + 1e-9 / 86'400), std::to_string(kNoon + 6 * 3'600'000'000'000));
  EXPECT_EQ(time_of(kSerial, 0.5), "column 'Date': '45512.500000' has a time of day, and another column has it, too");
  EXPECT_EQ(time_of(45'512.0, kSerial), noon);  // A date and time of that day.
  EXPECT_EQ(time_of(45'511.0, kSerial), "column 'Time': '45512.500000' has another date than the column of dates");
  EXPECT_EQ(time_of(45'513.0, kSerial), "column 'Time': '45512.500000' has another date than the column of dates");
  EXPECT_EQ(time_of(45'512.0, -0.5), "column 'Time': '-0.500000' is no time of day: Excel counts it from 0 to 1");
  EXPECT_EQ(time_of(0.0, 0.5), "column 'Date': '0.000000' is a time of day without a date");
  EXPECT_EQ(time_of(45'512.0, ""), "column 'Time': blank, expected a date");
}

TEST(TickCells, ReadsATick) {
  const Values values = {kSerial, " Trade ", "2.5", 7.0, "sell"};
  const SheetRow row = RowOf(4, values);
  Tick tick;
  std::string reason;
  EXPECT_EQ(Cells().Read(row, &tick, &reason), TickCells::Outcome::kTick);
  EXPECT_EQ(tick.timestamp, kNoon);
  EXPECT_EQ(tick.type, TickType::kTrade);
  EXPECT_EQ(tick.price, 2.5);
  EXPECT_EQ(tick.volume, 7.0);
  EXPECT_EQ(tick.side, -1);
  const Values texts = {"a", "", "b"};
  EXPECT_EQ(TextOf(RowOf(4, texts)), "a,,b");
}

TEST(TickColumns, OneThingHasOneColumn) {
  const std::vector<std::string> names = {"Dates", "Size", "volume "};
  EXPECT_EQ(FindTickColumns(names).status().message(),
            "columns 'Size' and 'volume ' are the same thing of a tick. Leave one of them out, or rename it.");
  const std::vector<std::string> depth = {"timestamp", "type", "price", "size", "is_snapshot"};
  EXPECT_FALSE(FindTickColumns(depth).ValueOrDie().are_ticks());
}

// Rows as "row: reason", and the volumes of the ticks.
struct Read {
  std::vector<std::string> rejects;
  std::vector<double> volumes;
  arrow::Status status;
};

Read ReadSheet(std::vector<Values> rows, int64_t header_row) {
  Read read;
  MadeUpSheet sheet(std::move(rows));
  SheetTicksTaker taker;
  taker.begin = [](bool) { return arrow::Status::OK(); };
  taker.take = [&](const TickBuffer& ticks) {
    for (std::size_t row = 0; row < ticks.timestamps().size(); ++row) read.volumes.push_back(ticks[row].volume);
    return arrow::Status::OK();
  };
  taker.reject = [&](int64_t row, const std::string& reason, const std::string& text) {
    read.rejects.push_back(std::to_string(row) + ": " + reason + " (" + text + ")");
    return arrow::Status::OK();
  };
  read.status = ReadSheetTicks(sheet, {.header_row = header_row}, taker);
  return read;
}

TEST(SheetTicks, SaysWhereTheHeaderIs) {
  const Values tick = {kSerial, "BID", 1.0, 1.0};
  const auto message = [](const std::vector<Values>& rows, int64_t header_row) {
    const auto status = ReadSheet(rows, header_row).status;
    EXPECT_EQ(data::KindOf(status), data::ErrorKind::kSchema);
    return status.message();
  };
  EXPECT_EQ(message({kHeader, tick, tick, tick}, 3),
            "row 3 is no header of ticks: there is no Dates and no Type and no Price and no Size among '45512.500000', "
            "'BID', '1.000000', '1.000000'; expected Dates (or Date and Time), Type, Price and Size (or Volume). Row 1 "
            "looks like it: set header_row to 1.");
  EXPECT_EQ(message({kHeader, tick}, 3),
            "row 3 is no header of ticks: the sheet ends before it. Row 1 looks like it: set header_row to 1.");
  EXPECT_EQ(message({{"x"}, {}, {}, kHeader, tick}, 3),
            "row 3 is no header of ticks: it is blank. Row 4 looks like it: set header_row to 4.");
  EXPECT_EQ(
      message({}, 1),
      "row 1 is no header of ticks: the sheet ends before it. Name the columns in that row, or say with header_row "
      "where they are named.");
}

TEST(SheetTicks, KeepsTheRowNumbersOfRejects) {
  std::vector<Values> rows = {{"title"}, {}, kHeader};
  for (int row = 0; row < 10'000; ++row) rows.push_back({kSerial, "BID", 1.0, static_cast<double>(row)});
  rows[4'500] = {};
  rows[7'000] = {kSerial, "BID", 0.0, 1.0};
  const Read read = ReadSheet(rows, 3);
  EXPECT_TRUE(read.status.ok()) << read.status;
  ASSERT_EQ(read.rejects.size(), 1U);
  EXPECT_EQ(
      read.rejects[0],
      "7001: column 'Price': '0.000000', expected a finite number above zero (45512.500000,BID,0.000000,1.000000)");
  EXPECT_EQ(read.volumes.size(), 9'998U);
  EXPECT_EQ(read.volumes.back(), 9'999.0);
}

}  // namespace
}  // namespace sabot::ticks
