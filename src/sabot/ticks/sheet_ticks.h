// The ticks of one sheet.
#pragma once

#include <arrow/status.h>

#include <cstdint>
#include <functional>
#include <string>

#include "sabot/connectors/workbook.h"
#include "sabot/ticks/tick_buffer.h"

namespace sabot::ticks {

struct SheetTicksOptions {
  int64_t header_row = 3;  // From 1.
  bool date1904 = false;
  bool day_first = true;
};

struct SheetTicksTaker {
  // Called once, before the others: whether the sheet has a column of sides.
  std::function<arrow::Status(bool has_side)> begin;
  // Some thousand at once, in the order of the sheet.
  std::function<arrow::Status(const TickBuffer& ticks)> take;
  std::function<arrow::Status(int64_t row, const std::string& reason, std::string text)> reject;
};

// Reads a sheet to its end. Errors: the row `header_row` is missing or does not name the columns (kSchema: says what is
// missing and, where another row near it names them, which), those of the reader and the taker.
arrow::Status ReadSheetTicks(connectors::SheetReader& sheet, const SheetTicksOptions& options,
                             const SheetTicksTaker& taker);

}  // namespace sabot::ticks
