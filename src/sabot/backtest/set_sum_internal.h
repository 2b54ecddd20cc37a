// What a set of a sweep comes to over all securities.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "sabot/backtest/deflated_sharpe.h"
#include "sabot/backtest/summary_file.h"

namespace sabot::backtest::internal {

// Over the securities that did not fail for it. Each is added once, and then it is closed.
struct SetSum {
  int64_t securities = 0;
  int64_t failed = 0;
  int64_t trades = 0;
  double realized_pnl = 0;
  double fees = 0;
  double volume = 0;
  int64_t strategy_dates = 0;
  int64_t rows = 0;
  std::vector<double> daily_pnl = {};  // By date of any set; gone, as is `traded`, once the members below are known.
  std::vector<bool> traded = {};       // Whether the date is one of a security that did not fail for this set.
  int64_t market_dates = 0;
  double max_drawdown = 0;
  std::optional<double> sharpe = std::nullopt;
  std::optional<ProfitMoments> moments = std::nullopt;

  explicit SetSum(std::size_t dates) : daily_pnl(dates), traded(dates) {}

  // `places`: of the security's dates, among those of any set.
  void Add(const SummaryRow& row, std::span<const std::size_t> places);
  void Close();
};

}  // namespace sabot::backtest::internal
