// Ticks of one security as columns: what every tick source is turned into, and what a backtest reads.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/status.h>
#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace sabot::ticks {

enum class TickType : int8_t { kBid = 0, kAsk = 1, kTrade = 2 };

// Times of ticks lie between these, in 1678 and 2261: a day more or a latency on top is no overflow.
inline constexpr int64_t kTickTimeMost = 9'200'000'000'000'000'000;
inline constexpr int64_t kTickTimeLeast = -kTickTimeMost;

// That times of a column of this type are of the venue's clock: it has no time zone, or UTC. Error (kSchema): what to
// do.
arrow::Status CheckTimeZone(std::string_view column, const arrow::DataType& type);

// Of `bid`, `ask`, `trade` in any case, with blanks around it.
std::optional<TickType> TickTypeOf(std::string_view text);

// timestamp: timestamp[ns], type: dictionary<int8, utf8>, price: double, volume: double, and `side: int8` (of the
// aggressor of a trade: +1 bought, -1 sold, null where that is not known) where the source has it.
std::shared_ptr<arrow::Schema> TickSchema(bool with_side);

// The dictionary of `type` in every canonical batch, so that its indices are TickTypes.
const std::shared_ptr<arrow::Array>& TickTypeNames();

// The values of a batch of TickSchema, valid as long as the batch. They come from a TickReader or were checked as one
// checks them: no nulls but in `side`.
struct TickColumns {
  std::span<const int64_t> timestamps;  // Nanoseconds.
  std::span<const TickType> types;
  std::span<const double> prices;
  std::span<const double> volumes;
  std::span<const int8_t> sides;  // 0 where it is null; empty without the column.

  int64_t rows() const { return static_cast<int64_t>(timestamps.size()); }
};
TickColumns TickColumnsOf(const arrow::RecordBatch& ticks);

}  // namespace sabot::ticks
