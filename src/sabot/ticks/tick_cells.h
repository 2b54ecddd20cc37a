// Rows of a sheet as ticks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sabot/connectors/workbook.h"
#include "sabot/ticks/tick_buffer.h"
#include "sabot/ticks/tick_columns.h"

namespace sabot::ticks {

class TickCells {
 public:
  struct Options {
    bool date1904 = false;
    bool day_first = true;  // Of dates that are text.
  };
  // `columns`: positions are those of the sheet, with ticks among them (are_ticks()).
  TickCells(const TickColumnPositions& columns, std::vector<std::string> names, Options options);

  bool has_side() const { return columns_.side != kNoColumn; }

  enum class Outcome : uint8_t { kTick, kBlank, kRejected };
  // Of a rejected row `reason` says why: "column 'Price': -1, expected a finite number above zero".
  Outcome Read(const connectors::SheetRow& row, Tick* tick, std::string* reason) const;

 private:
  struct Found;
  bool ReadTime(const Found& cells, int64_t* timestamp, std::string* reason) const;
  bool ReadNumber(const connectors::Cell* cell, int column, double* number, std::string* reason) const;
  std::string Name(int column) const { return "column '" + names_[static_cast<std::size_t>(column)] + "'"; }

  TickColumnPositions columns_;
  std::vector<std::string> names_;  // Of columns, as the header has them.
  Options options_;
};

// The row as text, values between commas.
std::string TextOf(const connectors::SheetRow& row);

}  // namespace sabot::ticks
