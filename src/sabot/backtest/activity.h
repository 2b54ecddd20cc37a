// What a strategy had to work with, and what became of its orders: where to look when nothing traded.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <string_view>

namespace sabot::backtest {

// Why an order went without a fill that was not its owner's wish.
enum class Refusal : uint8_t {
  kSize,
  kPrice,
  kLotSize,
  kTickSize,
  kOrdersMax,
  kLimits,
  kNothingToReduce,
  kPostOnly,
  kSelfTrade,
  kNothingToTake,
};

struct RefusalRow {
  Refusal refusal;
  std::string_view name;  // In files: refused_ and this.
};

// One row a reason, in the order of the enumeration.
inline constexpr std::array kRefusals{
    RefusalRow{Refusal::kSize, "size"},                         // Not positive, or not finite.
    RefusalRow{Refusal::kPrice, "price"},                       // The same.
    RefusalRow{Refusal::kLotSize, "lot_size"},                  // Its size is no multiple.
    RefusalRow{Refusal::kTickSize, "tick_size"},                // Its price is no multiple.
    RefusalRow{Refusal::kOrdersMax, "orders_max"},              // Too many were open.
    RefusalRow{Refusal::kLimits, "limits"},                     // The limits left nothing, or cut a fill-or-kill.
    RefusalRow{Refusal::kNothingToReduce, "nothing_to_reduce"}, // A reduce_only one found no position to close.
    RefusalRow{Refusal::kPostOnly, "post_only"},                // It would have crossed.
    RefusalRow{Refusal::kSelfTrade, "self_trade"},              // It would have taken an own order.
    RefusalRow{Refusal::kNothingToTake, "nothing_to_take"},     // Too little was shown, at once, at its price.
};

struct OrderCounts {
  int64_t sent = 0;  // With those that replace others; refused or not.
  // How often the limits, or what there was to reduce, left an order less than it was to have: on arrival, at rest, at
  // a fill. One that they leave nothing, and that has filled nothing, is a refused one instead.
  int64_t cut = 0;
  std::array<int64_t, kRefusals.size()> refused{};

  void Refuse(Refusal refusal) { ++refused[static_cast<std::size_t>(refusal)]; }
  int64_t refused_all() const { return std::accumulate(refused.begin(), refused.end(), int64_t{0}); }
};

struct Activity {
  std::string session = {};  // "10:05-14:45"; empty: the market has no sessions.
  int64_t outside_session = 0;  // Ticks at which nothing is decided: outside continuous trading, or after the flatten.
  int64_t book_missing = 0;  // Of the others, those at which there is no best bid, or no best ask.
  int64_t market_trades = 0;  // Of the others, the trades.
  OrderCounts orders = {};
};

}  // namespace sabot::backtest
