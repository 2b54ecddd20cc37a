// The ticks of a security's file, as a simulation takes them.
#pragma once

#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "sabot/backtest/run.h"
#include "sabot/backtest/tick.h"
#include "sabot/ticks/tick_file.h"

namespace sabot::backtest::internal {

// One thread at a time.
class SecurityReader {
 public:
  // Errors: that of the ticks; those of ticks::OpenTickFile.
  arrow::Status Open(const SecurityTicks& ticks, int64_t batch_rows);
  const ticks::TickFileInfo& info() const { return reader_->info(); }  // Once it is open.
  bool is_open() const { return reader_ != nullptr; }

  // None at the end. Errors: those of the file; every row of its source was rejected (kData): it has nothing to trade
  // on, which is no success without trades.
  arrow::Result<std::optional<Ticks>> Next();

  // Whether the last call of any of the above was an error: another run may fare better.
  bool failed() const { return failed_; }

 private:
  arrow::Status TryOpen(const SecurityTicks& ticks, int64_t batch_rows);
  arrow::Result<std::optional<Ticks>> TryNext();

  std::unique_ptr<ticks::TickReader> reader_;
  std::string path_;
  int64_t rows_ = 0;  // So far.
  bool failed_ = false;
};

}  // namespace sabot::backtest::internal
