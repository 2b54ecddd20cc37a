// Reads Excel workbooks (.xlsx, .xlsm) row by row, as they stand in the file: no formulas are computed, no formats
// applied. A sheet is streamed: a reader holds a row and the next 256 KiB. What all sheets share, the table of texts,
// is held in memory once a workbook (1 GiB at most).
#pragma once

#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sabot::connectors {

struct Cell {
  enum class Kind : uint8_t {
    kNumber,  // Also of a date: a serial number, see SerialToNanoseconds.
    kText,    // Shared, inline, or what a formula gave.
    kBool,    // `number` is 0 or 1.
    kError,   // Such as #N/A; also a value that is not what its cell says it is.
    kDate,    // ISO 8601 as text; few programs write it.
  };

  int32_t column = 0;  // 0 is A.
  Kind kind = Kind::kNumber;
  double number = 0;
  std::string_view text;  // Valid until the next row. Of a number, a bool and an error: as it was written.
};

struct SheetRow {
  int64_t number = 0;       // From 1, as the sheet says.
  std::vector<Cell> cells;  // In the order of columns. Blank ones, empty texts among them, are left out.
};

// For one thread at a time.
class SheetReader {
 public:
  virtual ~SheetReader() = default;

  // The next row that has a cell; false at the end. Only then it is known that the sheet is whole: rows that came from
  // a damaged one are followed by an error. Error (kData): damage, or what no workbook has; names sheet and row.
  virtual arrow::Result<bool> Next(SheetRow* row) = 0;
  // How much of the sheet was read, of 1.
  virtual double done() const = 0;
};

// May be shared by threads: each reader has a handle on the file of its own.
class Workbook {
 public:
  virtual ~Workbook() = default;

  // A file on this machine. Errors: IOError, if it cannot be opened; kData, if it is no workbook that can be read (an
  // old .xls, one with a password, a damaged one).
  static arrow::Result<std::shared_ptr<Workbook>> Open(const std::string& path);

  // The names of its sheets in the order of the workbook, hidden ones too; chart sheets have no cells and are left out.
  virtual const std::vector<std::string>& sheets() const = 0;
  // Whether its dates count from 1904.
  virtual bool date1904() const = 0;
  // What a sheet's cells depend on, as a text that changes with it: checksums and sizes of its part and of the texts
  // that all share, as the zip file's directory has them, and how dates count. Reads no sheet.
  virtual arrow::Result<std::string> Fingerprint(int index) const = 0;
  // `index` of sheets().
  virtual arrow::Result<std::unique_ptr<SheetReader>> OpenSheet(int index) const = 0;
};

// A date as a cell has it: days since the end of 1899 (or the beginning of 1904), as nanoseconds since 1970 of the same
// wall time. Nothing for a negative one, for 1900's 29 February, which never was (60), and for what nanoseconds cannot
// say (from the year 2262).
//
// Of today's dates, neighbouring doubles are 0.63 us apart, so microseconds are all that can be known, and the nearest
// one is taken. Programs that write 16 digits (XlsxWriter, and pandas with it) are off by up to 1.1 us: what is that
// close to a whole millisecond is that millisecond, or a tick of 14:45:00 would be one of 14:44:59.999999.
std::optional<int64_t> SerialToNanoseconds(double serial, bool date1904);

}  // namespace sabot::connectors
