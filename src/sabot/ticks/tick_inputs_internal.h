// CSV and Parquet files that ticks are read from.
#pragma once

#include <arrow/result.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sabot/connectors/file_set.h"
#include "sabot/connectors/source.h"
#include "sabot/data/reject_log.h"
#include "sabot/ticks/conversion_internal.h"
#include "sabot/ticks/tick_batches.h"

namespace sabot::ticks::internal {

// A file and what its rows are.
struct TickInput {
  connectors::InputFile file;
  bool is_csv = false;
  TickRows rows = TickRows::kTicks;
  bool has_symbol = false;
  bool has_side = false;
};

enum class InputKind : uint8_t { kWorkbook, kCsv, kParquet, kOther };
InputKind KindOfInput(const connectors::InputFile& file);  // By its suffix, in any case.

// What the rows of a CSV or Parquet file are. Errors: it cannot be read; its columns are not those of ticks, trades or
// quotes (kSchema).
arrow::Result<TickInput> LookAtTickInput(const connectors::InputFile& file);

std::string NameOfInput(const TickInput& input);  // Without folders.
std::string StemOfInput(const TickInput& input);  // Nor suffix: the security of a file without symbols.
double WeightOfInput(const TickInput& input);     // Bytes, and never none.
// By which a file is known again: absolute, or s3://bucket/key.
std::string PathOfInput(const connectors::InputFile& file);

// The rows of a CSV file that cannot be read go to `rejects`, unless it is null.
arrow::Result<std::shared_ptr<connectors::Source>> OpenTickInput(const TickInput& input,
                                                                 std::shared_ptr<data::RejectLog> rejects);

// Who takes the rows of an input. Errors stop the reading.
struct TickInputTaker {
  std::function<arrow::Status(std::string_view symbol, const Tick& tick)> tick;  // As of TickBatches.
  std::function<void(std::string_view symbol)> rejected;  // Empty: the row names none.
  std::function<arrow::Status(double done)> after_batch;  // Of 1.
};

// Reads an input to its end; rows that cannot be used are told to the conversion. `day_first` of `how` is that of the
// conversion's options.
arrow::Status ReadTickInput(const TickInput& input, TickBatches::Options how, Conversion& conversion,
                            const TickInputTaker& taker);

// Of their bytes, and of a text beside them.
arrow::Result<std::string> DigestOfInputs(const std::vector<TickInput>& inputs, const std::string& options);

// Exchange time and local time are of two clocks, which must not be mixed: quotes that are a second early show what
// trades are going to do. A symbol that lacks the exchange time in any row of any file is one of these: all its rows go
// by local time.
arrow::Result<std::set<std::string>> SymbolsOfLocalTime(const std::vector<TickInput>& inputs);

}  // namespace sabot::ticks::internal
