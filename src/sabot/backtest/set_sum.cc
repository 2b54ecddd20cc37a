#include <algorithm>
#include <utility>

#include "sabot/backtest/performance.h"
#include "sabot/backtest/set_sum_internal.h"

namespace sabot::backtest::internal {

void SetSum::Add(const SummaryRow& row, std::span<const std::size_t> places) {
  if (!row.outcome) {
    ++failed;
    return;
  }
  const Outcome& outcome = *row.outcome;
  ++securities;
  trades += outcome.trades;
  realized_pnl += outcome.realized_pnl;
  fees += outcome.fees;
  volume += outcome.volume;
  strategy_dates += outcome.strategy_dates;
  rows += outcome.rows;
  for (std::size_t i = 0; i < places.size(); ++i) {
    daily_pnl[places[i]] += outcome.daily_pnl[i];
    traded[places[i]] = true;
  }
}

void SetSum::Close() {
  const auto of_dates = std::exchange(traded, {});
  auto daily = std::exchange(daily_pnl, {});
  std::size_t days = 0;
  for (std::size_t date = 0; date < daily.size(); ++date) {
    if (of_dates[date]) daily[days++] = daily[date];
  }
  daily.resize(days);
  if (securities == 0) return;
  market_dates = static_cast<int64_t>(daily.size());
  moments = MomentsOf(daily);
  if (moments) sharpe = AnnualSharpe(daily);
  double pnl = 0, peak = 0;
  for (const double profit : daily) {
    pnl += profit;
    peak = std::max(peak, pnl);
    max_drawdown = std::max(max_drawdown, peak - pnl);
  }
}

}  // namespace sabot::backtest::internal
