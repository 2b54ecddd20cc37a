// What a simulation came to, counted fill by fill and date by date: memory is two numbers a market date.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "sabot/backtest/simulation.h"

namespace sabot::backtest {

class Performance {
 public:
  // A trade of the market.
  void OnTrade(int64_t date) {
    if (date != date_) Begin(date);
    traded_ = true;
  }
  // A fill of ours: what it realised, its fee, and the ledger's pnl after it. `reduced`: it closed something.
  void OnFill(int64_t timestamp, double quantity, double realized, double fee, double pnl, bool reduced);
  void AddTo(Outcome& outcome);

 private:
  static constexpr int64_t kNone = std::numeric_limits<int64_t>::min();

  void Begin(int64_t date);

  int64_t trades_ = 0;
  double realized_ = 0;
  double volume_ = 0;
  double peak_ = 0;
  double drawdown_ = 0;
  int64_t reductions_ = 0;
  int64_t wins_ = 0;
  int64_t strategy_dates_ = 0;
  int64_t date_ = kNone;
  bool traded_ = false;  // The market, on this date,
  bool filled_ = false;  // and we.
  double day_pnl_ = 0;
  std::vector<double> daily_pnl_;  // Of the market dates before the current one,
  std::vector<int64_t> dates_;     // which are these.
};

// Mean over sample standard deviation, times sqrt(252); none under two values, or where all are equal.
std::optional<double> AnnualSharpe(const std::vector<double>& daily_pnl);

}  // namespace sabot::backtest
