// CSV and Parquet files that ticks are read from.
#pragma once

#include <arrow/result.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "sabot/connectors/file_set.h"
#include "sabot/connectors/source.h"
#include "sabot/data/reject_log.h"
#include "sabot/ticks/tick_batches.h"

namespace sabot::ticks::internal {

// A file and what its rows are.
struct TickInput {
  connectors::InputFile file;
  bool is_csv = false;
  TickRows rows = TickRows::kTicks;
  bool has_symbol = false;
};

std::string NameOfInput(const TickInput& input);  // Without folders.

// The rows of a CSV file that cannot be read go to `rejects`, unless it is null.
arrow::Result<std::shared_ptr<connectors::Source>> OpenTickInput(const TickInput& input,
                                                                 std::shared_ptr<data::RejectLog> rejects);

// Of their bytes, and of a text beside them.
arrow::Result<std::string> DigestOfInputs(const std::vector<TickInput>& inputs, const std::string& options);

// Exchange time and local time are of two clocks, which must not be mixed: quotes that are a second early show what
// trades are going to do. A symbol that lacks the exchange time in any row of any file is one of these: all its rows go
// by local time.
arrow::Result<std::set<std::string>> SymbolsOfLocalTime(const std::vector<TickInput>& inputs);

}  // namespace sabot::ticks::internal
