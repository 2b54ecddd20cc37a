// The ticks of one security, as columns: best bids, best asks and trades in the order of their times.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace sabot::backtest {

enum class TickType : uint8_t { kBid, kAsk, kTrade };

inline constexpr int64_t kDayNs = 86'400'000'000'000;

// The day of a time, since the epoch.
constexpr int64_t DateOf(int64_t timestamp) { return timestamp / kDayNs - (timestamp % kDayNs < 0 ? 1 : 0); }

struct Tick {
  int64_t timestamp = 0;      // Of the venue, ns since the epoch.
  double price = 0;
  double volume = 0;          // Of a quote: the size shown.
  TickType type = TickType::kTrade;
  int8_t side = 0;            // Of a trade's aggressor: +1 bought, -1 sold, 0 not known.
};

// A batch of ticks, read in place.
class Ticks {
 public:
  // `timestamp` (timestamp[ns]), `type` (utf8 or a dictionary of it: bid, ask, trade), `price` and `volume` (float64),
  // none of them null; `side` (int8 or float64: +1, -1 or null), where the source knows it. Other columns are ignored.
  // Errors: a column is missing or of another type (kSchema); a null, an unknown type, a price that is not finite, a
  // volume that is negative or not finite (kData, with the row). `first_row`: the place of the batch's first row in the
  // whole that the caller reads, from which messages count.
  static arrow::Result<Ticks> From(std::shared_ptr<arrow::RecordBatch> batch, int64_t first_row = 0);

  int64_t size() const { return static_cast<int64_t>(timestamps_.size()); }
  bool has_sides() const { return has_sides_; }
  Tick operator[](int64_t row) const {
    const auto i = static_cast<std::size_t>(row);
    return {timestamps_[i], prices_[i], volumes_[i], types_[i], has_sides_ ? sides_[i] : int8_t{0}};
  }

 private:
  std::shared_ptr<arrow::RecordBatch> batch_;  // Holds what the spans see.
  std::span<const int64_t> timestamps_;
  std::span<const double> prices_;
  std::span<const double> volumes_;
  std::vector<TickType> types_;
  std::vector<int8_t> sides_;
  bool has_sides_ = false;
};

}  // namespace sabot::backtest
