#include "sabot/backtest/registry.h"

#include <array>
#include <deque>
#include <mutex>
#include <set>

#include "sabot/backtest/avellaneda_stoikov_strategy.h"
#include "sabot/backtest/basis_points_fee_model.h"
#include "sabot/backtest/constant_latency_model.h"
#include "sabot/backtest/fifo_queue_model.h"
#include "sabot/backtest/risk_averse_queue_model.h"
#include "sabot/backtest/v1_baseline_strategy.h"
#include "sabot/backtest/v2_1_stop_loss_strategy.h"
#include "sabot/backtest/v2_price_follow_strategy.h"
#include "sabot/data/errors.h"
#include "sabot/operators/own_library.h"

namespace sabot::backtest {
namespace {

// One row a strategy, in the order in which users see them.
constexpr std::array kStrategies{
    &V1BaselineStrategy::Info,
    &V2PriceFollowStrategy::Info,
    &V21StopLossStrategy::Info,
    &AvellanedaStoikovStrategy::Info,
};

// One row a queue model.
struct QueueModelRow {
  std::string_view name;
  std::shared_ptr<const QueueModel> (*make)();
};

template <class Model>
std::shared_ptr<const QueueModel> Make() {
  return std::make_shared<const Model>();
}

constexpr std::array kQueueModels{
    QueueModelRow{"fifo", &Make<FifoQueueModel>},
    QueueModelRow{"risk_averse", &Make<RiskAverseQueueModel>},
};

std::vector<std::string> QueueModelNames() {
  std::vector<std::string> names;
  for (const QueueModelRow& row : kQueueModels) names.emplace_back(row.name);
  return names;
}

// Sabot's own, and after them those of libraries: none goes, so pointers to them hold.
struct StrategyTable {
  StrategyTable() {
    for (const auto info : kStrategies) infos.push_back(info());
  }
  const StrategyInfo* Find(std::string_view name) const {
    for (const StrategyInfo& info : infos) {
      if (info.name == name) return &info;
    }
    return nullptr;
  }

  std::mutex mutex;
  std::deque<StrategyInfo> infos;
};

StrategyTable& Table() {
  static StrategyTable table;
  return table;
}

arrow::Status CheckStrategy(const StrategyInfo& strategy) {
  const std::string where = "the strategy '" + strategy.name + "'";
  if (!operators::IsIdentifier(strategy.name)) {
    return data::OptionError("a strategy is called '" + strategy.name +
                             "'. A name begins with a letter, and has letters, digits and '_' alone.");
  }
  if (!strategy.make) return data::OptionError(where + " has nothing that makes one: set StrategyInfo::make.");
  std::set<std::string_view> names;
  for (const Parameter& parameter : strategy.parameters) {
    const std::string what = where + " has a parameter '" + parameter.name + "'";
    if (!operators::IsIdentifier(parameter.name)) {
      return data::OptionError(what + ". A name begins with a letter, and has letters, digits and '_' alone.");
    }
    if (!names.insert(parameter.name).second) return data::OptionError(what + " twice.");
    if (!parameter.Allows(parameter.standard)) {
      return data::OptionError(what + " whose default is not what it allows: " + parameter.Allowed() + ".");
    }
  }
  return arrow::Status::OK();
}

}  // namespace

std::vector<const StrategyInfo*> Strategies() {
  auto& table = Table();
  const std::scoped_lock lock(table.mutex);
  std::vector<const StrategyInfo*> found;
  for (const StrategyInfo& info : table.infos) found.push_back(&info);
  return found;
}

arrow::Result<const StrategyInfo*> FindStrategy(std::string_view name) {
  auto& table = Table();
  const std::scoped_lock lock(table.mutex);
  if (const StrategyInfo* info = table.Find(name)) return info;
  std::vector<std::string> names;
  for (const StrategyInfo& info : table.infos) names.push_back(info.name);
  return data::OptionError("strategy '" + std::string(name) + "' is unknown." + data::NearestNames(name, names));
}

arrow::Status AddStrategies(std::vector<StrategyInfo> strategies) {
  auto& table = Table();
  const std::scoped_lock lock(table.mutex);
  std::set<std::string_view> names;
  for (const StrategyInfo& strategy : strategies) {
    ARROW_RETURN_NOT_OK(CheckStrategy(strategy));
    if (table.Find(strategy.name) != nullptr || !names.insert(strategy.name).second) {
      return data::OptionError("there is a strategy called '" + strategy.name + "' already. Choose another name.");
    }
  }
  for (StrategyInfo& strategy : strategies) table.infos.push_back(std::move(strategy));
  return arrow::Status::OK();
}

std::span<const Parameter> VenueParameters() {
  using enum Parameter::Kind;
  static const std::vector<Parameter> parameters{
      {.name = "market",
       .kind = kText,
       .nullable = true,
       .doc = "Sessions: 'continuous', 'adx', a preset under MARKETS, or {\"continuous\": [...], \"flatten\": ...}; "
              "null: what the ticks say, else 'continuous'."},
      {.name = "queue",
       .kind = kText,
       .standard = "risk_averse",
       .values = QueueModelNames(),
       .doc = "What becomes of the queue in front of an order when the size shown at its price changes."},
      {.name = "through_fill",
       .kind = kText,
       .standard = "whole",
       .values = {"whole", "capped"},
       .doc = "What a trade beyond an order's price fills: all of the order, or at most what traded."},
      {.name = "quote_cross",
       .kind = kFlag,
       .standard = false,
       .doc = "Whether the opposite best at or beyond an order's price fills it."},
      {.name = "order_latency_ms",
       .standard = 0.0,
       .least = 0,
       .most = 86'400'000,
       .doc = "Milliseconds from a decision until it acts; fractions count."},
      {.name = "maker_fee_bps",
       .standard = 0.0,
       .least = -10'000,
       .most = 10'000,
       .doc = "Fee of a resting order's fill, in basis points of its worth; negative: a rebate."},
      {.name = "taker_fee_bps",
       .standard = 0.0,
       .least = -10'000,
       .most = 10'000,
       .doc = "Fee of a fill that took what others showed, a flatten's included, in basis points of its worth."},
      {.name = "contract",
       .kind = kText,
       .standard = "linear",
       .values = {"linear", "inverse"},
       .doc = "Whether profit is in the currency of the price, or in the coin that the price is of."},
      {.name = "contract_size",
       .standard = 1.0,
       .least = 0,
       .least_open = true,
       .doc = "Units (inverse: money) a contract."},
      {.name = "tick_size",
       .nullable = true,
       .least = 0,
       .least_open = true,
       .doc = "Grid of prices; null: any price."},
      {.name = "lot_size",
       .nullable = true,
       .least = 0,
       .least_open = true,
       .doc = "Grid of sizes, to which what is left of trades is rounded; null: any size."},
      {.name = "self_trade",
       .kind = kText,
       .standard = "cancel_newest",
       .values = {"cancel_newest", "cancel_oldest", "decrement"},
       .doc = "Which order goes where one of our own would take another of our own."},
      {.name = "max_position",
       .nullable = true,
       .least = 0,
       .least_open = true,
       .doc = "Largest position, long or short; null: no limit, or the strategy's own default."},
      {.name = "max_notional",
       .nullable = true,
       .least = 0,
       .least_open = true,
       .doc = "Largest worth of a position: it is at most floor(max_notional / price) as well."},
      {.name = "equity_interval_sec",
       .nullable = true,
       .least = 0.001,
       .most = 1e9,
       .doc = "Seconds of the ticks' time between samples of the equity; null: 1 where they cover less than an hour, "
              "else 60."},
  };
  return parameters;
}

arrow::Result<std::shared_ptr<const QueueModel>> MakeQueueModel(std::string_view name) {
  for (const QueueModelRow& row : kQueueModels) {
    if (row.name == name) return row.make();
  }
  return data::OptionError("queue model '" + std::string(name) + "' is unknown." +
                           data::NearestNames(name, QueueModelNames()));
}

std::shared_ptr<const LatencyModel> ConstantLatency(int64_t nanoseconds) {
  return std::make_shared<const ConstantLatencyModel>(nanoseconds);
}

std::shared_ptr<const FeeModel> BasisPointFees(double maker_bps, double taker_bps) {
  return std::make_shared<const BasisPointsFeeModel>(maker_bps, taker_bps);
}

}  // namespace sabot::backtest
