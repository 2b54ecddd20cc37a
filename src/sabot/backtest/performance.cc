#include "sabot/backtest/performance.h"

#include <algorithm>
#include <cmath>

#include "sabot/backtest/tick.h"

namespace sabot::backtest {

void Performance::Begin(int64_t date) {
  if (traded_) {
    daily_pnl_.push_back(day_pnl_);
    dates_.push_back(date_);
  }
  date_ = date;
  traded_ = false;
  filled_ = false;
  day_pnl_ = 0;
}

void Performance::OnFill(int64_t timestamp, double quantity, double realized, double fee, double pnl, bool reduced) {
  if (const int64_t date = DateOf(timestamp); date != date_) Begin(date);
  strategy_dates_ += !filled_;
  filled_ = true;
  day_pnl_ += realized - fee;
  ++trades_;
  realized_ += realized;
  volume_ += quantity;
  peak_ = std::max(peak_, pnl);
  drawdown_ = std::max(drawdown_, peak_ - pnl);
  reductions_ += reduced;
  wins_ += reduced && realized > 0;
}

void Performance::AddTo(Outcome& outcome) {
  Begin(kNone);
  outcome.trades = trades_;
  outcome.realized_pnl = realized_;
  outcome.volume = volume_;
  outcome.max_drawdown = drawdown_;
  outcome.strategy_dates = strategy_dates_;
  outcome.market_dates = static_cast<int64_t>(daily_pnl_.size());
  outcome.sharpe = AnnualSharpe(daily_pnl_);
  if (reductions_ > 0) outcome.win_rate = static_cast<double>(wins_) / static_cast<double>(reductions_);
  outcome.daily_pnl = std::move(daily_pnl_);
  outcome.dates = std::move(dates_);
}

std::optional<double> AnnualSharpe(const std::vector<double>& daily_pnl) {
  const auto n = static_cast<double>(daily_pnl.size());
  if (n < 2) return std::nullopt;
  double sum = 0;
  for (const double value : daily_pnl) sum += value;
  const double mean = sum / n;
  double squares = 0;
  for (const double value : daily_pnl) squares += (value - mean) * (value - mean);
  const double deviation = std::sqrt(squares / (n - 1));
  if (deviation == 0) return std::nullopt;
  return mean / deviation * std::sqrt(252.0);
}

}  // namespace sabot::backtest
