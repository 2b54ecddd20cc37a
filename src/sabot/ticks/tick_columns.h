// Which columns of a table hold what of a tick, by their names.
#pragma once

#include <arrow/result.h>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace sabot::ticks {

inline constexpr int kNoColumn = -1;

// Positions; kNoColumn where there is none. Names are compared without case and blanks around them.
struct TickColumnPositions {
  int time = kNoColumn;   // Date and time: Dates, timestamp, exch_ts, or Time where there is no Date.
  int date = kNoColumn;   // Date,
  int clock = kNoColumn;  // and Time, where there is no `time`.
  int local_time = kNoColumn;  // local_ts, local_timestamp.
  int type = kNoColumn;        // Type.
  int price = kNoColumn;       // Price.
  int volume = kNoColumn;      // Size, Volume.
  int side = kNoColumn;        // Side, Aggressor.
  int symbol = kNoColumn;      // Security, symbol.
  int bid = kNoColumn;         // bid_px, bid_price, bid; the next three alike.
  int bid_size = kNoColumn;    // bid_sz, bid_size.
  int ask = kNoColumn;
  int ask_size = kNoColumn;
  bool is_depth = false;  // It has what only levels of an order book have: is_snapshot, level.

  bool has_time() const { return time != kNoColumn || (date != kNoColumn && clock != kNoColumn); }
  bool has_trade() const { return has_time() && price != kNoColumn && volume != kNoColumn && !is_depth; }
  // Bids, asks and trades in rows of their own.
  bool are_ticks() const { return has_trade() && type != kNoColumn; }
  // Rows of which each is a trade; rows of which each is both best quotes.
  bool are_trades() const { return has_trade() && type == kNoColumn && !are_quotes(); }
  bool are_quotes() const {
    return has_time() && type == kNoColumn && bid != kNoColumn && bid_size != kNoColumn && ask != kNoColumn &&
           ask_size != kNoColumn && !is_depth;
  }
};

// Error (kSchema): two columns for one thing, with their names.
arrow::Result<TickColumnPositions> FindTickColumns(std::span<const std::string> names);

// What is missing for rows of bids, asks and trades, with the names found, for messages: "there is no Type and no
// Price among 'a', 'b'; expected Dates (or Date and Time), Type, Price and Size (or Volume)".
std::string ExplainMissing(const TickColumnPositions& found, std::span<const std::string> names);

}  // namespace sabot::ticks
