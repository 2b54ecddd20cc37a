// One security's ticks through one strategy. Deterministic: what it computes depends on the ticks and the options, not
// on how the ticks are cut into batches, or on what else runs.
#pragma once

#include <arrow/result.h>
#include <arrow/table.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sabot/backtest/activity.h"
#include "sabot/backtest/ledger.h"
#include "sabot/backtest/models.h"
#include "sabot/backtest/session.h"
#include "sabot/backtest/strategy.h"
#include "sabot/backtest/tick.h"

namespace sabot::backtest {

enum class ThroughFill : uint8_t { kWhole, kCapped };
enum class SelfTrade : uint8_t { kCancelNewest, kCancelOldest, kDecrement };

struct VenueOptions {
  Market market = {};
  std::shared_ptr<const QueueModel> queue = nullptr;      // None: risk_averse.
  std::shared_ptr<const LatencyModel> latency = nullptr;  // None: no latency.
  std::shared_ptr<const FeeModel> fees = nullptr;         // None: no fees.
  ThroughFill through_fill = ThroughFill::kWhole;  // Of a trade beyond our price: all of the order, or what it traded.
  bool quote_cross = false;  // Whether the opposite best at or beyond our price fills us; capped: up to its size.
  Contract contract = {};
  double tick_size = 0;  // Grid of prices; 0: any.
  double lot_size = 0;  // Grid of sizes; 0: any.
  SelfTrade self_trade = SelfTrade::kCancelNewest;  // Which goes where an own order would take an own resting one.
  Limits limits = {};
  int64_t orders_max = 1'000;  // Open at once.
};

struct SimulationOptions {
  VenueOptions venue = {};
  // Event time between samples of the equity; 0: no samples; none: a second where the ticks cover less than an hour,
  // else a minute.
  std::optional<int64_t> equity_interval_ns = std::nullopt;
  bool keep_trades = true;  // Whether TakeTrades has rows; outcomes are the same without.
};

// A row of the trades file.
struct TradeRow {
  int64_t timestamp;
  Side side;
  double price;
  double quantity;
  double realized_pnl;  // Of this fill, before its fee.
  double position;  // After it.
  double pnl;  // Of all fills, after fees.
  FillKind kind;
};

struct EquityRow {
  int64_t timestamp;
  double position;
  double mid;
  double pnl;
  double equity;
};

// What a simulation came to.
struct Outcome {
  int64_t trades = 0;
  double realized_pnl = 0;  // Before fees.
  int64_t market_dates = 0;  // With a trade tick,
  int64_t strategy_dates = 0;  // and with a fill.
  double final_position = 0;
  double volume = 0;
  double fees = 0;
  double max_drawdown = 0;  // Of the pnl after fees, at fills.
  std::optional<double> sharpe;  // Of daily pnl, x sqrt(252); none under two market dates, or if all are equal.
  std::optional<double> win_rate;  // Of the fills that reduced a position.
  int64_t rows = 0;
  int64_t crossed = 0;  // Quote ticks after which the book was crossed or locked.
  int64_t orders_rejected = 0;  // For any reason.
  std::vector<double> daily_pnl;  // Of the market dates, in order,
  std::vector<int64_t> dates;  // which are these, in days since the epoch. The same for every strategy.
  int64_t equity_interval_ns = 0;  // Between its samples; 0: none were taken.
  Activity activity;
};

class Simulation {
 public:
  // Errors (kOption): a market, limit or grid that cannot be; a feature's kernel that is unknown.
  static arrow::Result<std::unique_ptr<Simulation>> Make(SimulationOptions options, std::unique_ptr<Strategy> strategy);
  virtual ~Simulation() = default;

  // The next ticks. Errors (kData): time goes back; an invariant does not hold; those of the strategy.
  // After an error the simulation is over.
  virtual arrow::Status Push(const Ticks& ticks) = 0;
  // No more ticks: counts as a date change. What it came to.
  virtual arrow::Result<Outcome> Finish() = 0;

  // Rows since the last call, so that who writes them as they come needs no memory for all.
  virtual std::vector<TradeRow> TakeTrades() = 0;
  virtual std::vector<EquityRow> TakeEquity() = 0;
};

}  // namespace sabot::backtest
