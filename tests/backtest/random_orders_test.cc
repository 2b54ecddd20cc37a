// Whatever a strategy sends, a simulation keeps its promises; see random_orders.h for what is checked.
#include "tests/backtest/random_orders.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "tests/backtest/scripted.h"

namespace sabot::backtest {
namespace {

constexpr uint64_t kSeeds = 200;

// Every bit of what a simulation came to.
std::string Text(Simulation& simulation, const Outcome& outcome, std::string trades) {
  std::ostringstream text;
  text << trades << std::hexfloat;
  for (const EquityRow& row : simulation.TakeEquity()) {
    text << row.timestamp << ' ' << row.position << ' ' << row.mid << ' ' << row.pnl << ' ' << row.equity << '\n';
  }
  text << outcome.realized_pnl << ' ' << outcome.final_position << ' ' << outcome.max_drawdown << ' ' << outcome.fees;
  for (const double pnl : outcome.daily_pnl) text << ' ' << pnl;
  for (const int64_t refused : outcome.activity.orders.refused) text << ' ' << refused;
  return text.str();
}

std::string TradesText(Simulation& simulation) {
  std::ostringstream text;
  text << std::hexfloat;
  for (const TradeRow& row : simulation.TakeTrades()) {
    text << row.timestamp << ' ' << Sign(row.side) << ' ' << row.price << ' ' << row.quantity << ' ' << row.realized_pnl
         << ' ' << row.position << ' ' << row.pnl << ' ' << static_cast<int>(row.kind) << '\n';
  }
  return text.str();
}

// With checks where each tick is a batch of its own.
std::string Simulated(uint64_t seed, const RandomMarket& market, std::size_t chunk, Tried* tried) {
  auto strategy = std::make_unique<RandomOrders>(seed, market, tried);
  RandomOrders& orders = *strategy;
  const auto simulation = Simulation::Make({.venue = market.venue}, std::move(strategy)).ValueOrDie();
  std::string trades;
  for (std::size_t at = 0; at < market.ticks.size(); at += chunk) {
    const auto begin = market.ticks.begin() + static_cast<std::ptrdiff_t>(at);
    const auto end = market.ticks.begin() + static_cast<std::ptrdiff_t>(std::min(at + chunk, market.ticks.size()));
    if (tried != nullptr) orders.Expect(*begin);
    const auto status = simulation->Push(Ticks::From(Batch({begin, end}, market.has_sides)).ValueOrDie());
    EXPECT_TRUE(status.ok()) << status;
    if (!status.ok()) return {};
    trades += TradesText(*simulation);
  }
  const auto outcome = simulation->Finish();
  EXPECT_TRUE(outcome.ok()) << outcome.status();
  if (!outcome.ok()) return {};
  trades += TradesText(*simulation);
  if (tried != nullptr) orders.Check(*outcome);
  return Text(*simulation, *outcome, std::move(trades));
}

TEST(RandomOrders, KeepEveryPromise) {
  Tried tried;
  for (uint64_t seed = 0; seed < kSeeds && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const RandomMarket market(seed);
    const std::string checked = Simulated(seed, market, 1, &tried);
    for (const std::size_t chunk : {std::size_t{7}, market.ticks.size()}) {
      EXPECT_EQ(Simulated(seed, market, chunk, nullptr), checked) << "batches of " << chunk;
    }
  }
  if (HasFailure()) return;
  for (std::size_t type = 0; type < tried.fills.size(); ++type) EXPECT_GT(tried.fills[type], 100) << "of type " << type;
  EXPECT_GT(tried.reduced, 100);
  EXPECT_GT(tried.reduced_at_rest, 100);
  EXPECT_GT(tried.at_limit, 100);
  EXPECT_GT(tried.flattened, 30);
  for (const auto& [refusal, name] : kRefusals) {
    EXPECT_GT(tried.refused[static_cast<std::size_t>(refusal)], 10) << name;
  }
}

}  // namespace
}  // namespace sabot::backtest
