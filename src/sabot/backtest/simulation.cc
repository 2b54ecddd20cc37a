#include "sabot/backtest/simulation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "sabot/backtest/equity_samples.h"
#include "sabot/backtest/feature_columns.h"
#include "sabot/backtest/performance.h"
#include "sabot/backtest/session_clock.h"
#include "sabot/backtest/venue.h"
#include "sabot/data/errors.h"

namespace sabot::backtest {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

class TickSimulation final : public Simulation {
 public:
  TickSimulation(SimulationOptions options, std::unique_ptr<Strategy> strategy, FeatureColumns features)
      : options_(std::move(options)),
        strategy_(std::move(strategy)),
        features_(std::move(features)),
        clock_(options_.venue.market),
        venue_(options_.venue),
        ledger_(options_.venue.contract, LotGrid(options_.venue.lot_size)),
        equity_(options_.equity_interval_ns) {}

  arrow::Status Push(const Ticks& ticks) override;
  arrow::Result<Outcome> Finish() override;
  std::vector<TradeRow> TakeTrades() override { return std::exchange(trades_, {}); }
  std::vector<EquityRow> TakeEquity() override { return equity_.Take(); }

 private:
  arrow::Status Step(const Tick& tick, std::span<const double> features);
  arrow::Status NewPhase(const Tick& tick);
  // What is left of a position when its date is over.
  arrow::Status CloseDate();
  arrow::Status Close(double price, int64_t timestamp);
  arrow::Status Settle();
  arrow::Status Enter(const Fill& fill);
  arrow::Status CheckTrade(const Tick& trade) const;
  EquityRow EquityAt(int64_t timestamp) const;
  double Mark() const;

  const SimulationOptions options_;
  const std::unique_ptr<Strategy> strategy_;
  FeatureColumns features_;
  SessionClock clock_;
  Venue venue_;
  Ledger ledger_;
  Performance performance_;

  std::vector<Fill> fills_;  // Not booked yet.
  bool has_sides_ = false;
  bool flattened_ = false;   // This date is over for the strategy.
  int64_t last_timestamp_ = std::numeric_limits<int64_t>::min();
  double last_trade_ = kNan;  // Price, of this date in a market with sessions.
  int64_t last_trade_timestamp_ = 0;
  int64_t rows_ = 0;
  int64_t crossed_ = 0;
  int64_t trades_seen_ = 0;     // Trade ticks.
  int64_t undecided_ = 0;       // Ticks at which the strategy was not asked,
  int64_t undecided_trades_ = 0;  // and the trades of them.
  int64_t one_sided_ = 0;       // Of the others, those without a best bid or a best ask.
  std::vector<TradeRow> trades_;
  EquitySamples equity_;
};

// A broken promise of ours would make every figure worthless, so the simulation ends with an error instead.
arrow::Status Broken(const std::string& what, int64_t timestamp) {
  return arrow::Status::UnknownError("backtest: invariant broken at ", timestamp, " ns: ", what,
                                     ". This is a defect of Sabot; the ticks before and at this time reproduce it.");
}

arrow::Status TickSimulation::Push(const Ticks& ticks) {
  if (!features_.empty()) ARROW_RETURN_NOT_OK(features_.Compute(ticks));
  has_sides_ = ticks.has_sides();
  const int64_t rows = ticks.size();
  for (int64_t row = 0; row < rows; ++row) {
    ARROW_RETURN_NOT_OK(Step(ticks[row], features_.empty() ? std::span<const double>() : features_.At(row)));
  }
  return OfStrategy(strategy_->status());
}

// The order of work for one tick.
arrow::Status TickSimulation::Step(const Tick& tick, std::span<const double> features) {
  if (tick.timestamp < last_timestamp_) {
    return data::DataError("ticks: time goes back at row " + std::to_string(rows_) + ", from " +
                           std::to_string(last_timestamp_) + " to " + std::to_string(tick.timestamp) +
                           " ns. Sort them by timestamp, stably; 'sabot convert' does.");
  }
  if (clock_.Changes(tick.timestamp)) ARROW_RETURN_NOT_OK(NewPhase(tick));
  last_timestamp_ = tick.timestamp;
  ++rows_;

  while (venue_.Due(tick.timestamp)) {
    venue_.DeliverNext(tick.timestamp, ledger_.position(), fills_);
    if (fills_.empty()) continue;
    ARROW_RETURN_NOT_OK(Settle());
    venue_.KeepLimits(ledger_.position());
  }
  if (tick.type == TickType::kTrade) {
    ++trades_seen_;
    performance_.OnTrade(clock_.date());
    if (venue_.Rests()) {
      venue_.Match(tick, has_sides_, ledger_.position(), fills_);
      if (!fills_.empty()) {
        ARROW_RETURN_NOT_OK(CheckTrade(tick));
        ARROW_RETURN_NOT_OK(Settle());
      }
    }
    last_trade_ = tick.price;
    last_trade_timestamp_ = tick.timestamp;
    if (clock_.flatten_due() && !flattened_) {
      venue_.CancelAll();
      ARROW_RETURN_NOT_OK(Close(tick.price, tick.timestamp));
      flattened_ = true;
    }
    venue_.Note(tick);
  } else {
    venue_.Quote(tick, ledger_.position(), fills_);
    crossed_ += venue_.book().crossed();
    if (!fills_.empty()) ARROW_RETURN_NOT_OK(Settle());
  }

  if (clock_.open() && !flattened_) {
    const Book& book = venue_.book();
    if (!(book.bid.price < book.ask.price)) one_sided_ += !book.two_sided();  // The rare case, by one comparison.
    venue_.set_now(tick.timestamp);
    auto status = strategy_->OnTick({tick, book, ledger_, options_.venue.limits, features}, venue_);
    if (!status.ok()) return OfStrategy(status);
  } else {
    ++undecided_;
    undecided_trades_ += tick.type == TickType::kTrade;
  }
  if (equity_.Due(tick.timestamp)) equity_.Add(EquityAt(tick.timestamp));
  return arrow::Status::OK();
}

arrow::Status TickSimulation::NewPhase(const Tick& tick) {
  const SessionClock::Change change = clock_.Advance(tick.timestamp);
  if (change.session_end) venue_.CancelAll();
  if (!change.date || !options_.venue.market.has_sessions()) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(CloseDate());
  venue_.ClearBook();
  last_trade_ = kNan;
  flattened_ = false;
  strategy_->OnDate();
  return arrow::Status::OK();
}

arrow::Status TickSimulation::CloseDate() {
  venue_.CancelAll();
  if (ledger_.position() == 0) return arrow::Status::OK();
  if (!std::isnan(last_trade_)) return Close(last_trade_, last_trade_timestamp_);
  // Bought or sold against quotes on a date without any trade: what the other side would have paid.
  const Book& book = venue_.book();
  const Level& opposite = ledger_.position() > 0 ? book.bid : book.ask;
  return Close(opposite.exists() ? opposite.price : ledger_.average(), last_timestamp_);
}

arrow::Status TickSimulation::Close(double price, int64_t timestamp) {
  const double position = ledger_.position();
  if (position == 0) return arrow::Status::OK();
  fills_.push_back({.timestamp = timestamp,
                    .side = position > 0 ? Side::kSell : Side::kBuy,
                    .price = price,
                    .quantity = std::abs(position),
                    .kind = FillKind::kFlatten,
                    .maker = false});
  return Settle();
}

// Passive fills at a trade's price are never more than what traded there.
arrow::Status TickSimulation::CheckTrade(const Tick& trade) const {
  double bought = 0;
  double sold = 0;
  for (const Fill& fill : fills_) {
    if (fill.price == trade.price) (fill.side == Side::kBuy ? bought : sold) += fill.quantity;
  }
  if (std::max(bought, sold) <= trade.volume * (1 + 1e-12)) return arrow::Status::OK();
  return Broken("fills at a price exceed what traded there", trade.timestamp);
}

// Books the fills, in their order.
arrow::Status TickSimulation::Settle() {
  for (const Fill& fill : fills_) ARROW_RETURN_NOT_OK(Enter(fill));
  fills_.clear();
  return arrow::Status::OK();
}

arrow::Status TickSimulation::Enter(const Fill& fill) {
  if (fill.remaining < 0) return Broken("an order filled more than its size", fill.timestamp);
  const bool reduces = ledger_.position() * Sign(fill.side) < 0;
  const double fee = options_.venue.fees
                         ? options_.venue.fees->Fee(ledger_.contract().Notional(fill.quantity, fill.price), fill.maker)
                         : 0;
  const double realized = ledger_.Apply(fill.side, fill.price, fill.quantity, fee);
  performance_.OnFill(fill.timestamp, fill.quantity, realized, fee, ledger_.pnl(), reduces);
  const double off = std::abs(ledger_.Equity(fill.price) - ledger_.EquityByCash(fill.price));
  if (!(off <= 1e-9 * (ledger_.turnover() + std::abs(ledger_.fees())))) {
    return Broken("equity is not cash and inventory, less fees", fill.timestamp);
  }
  if (options_.keep_trades) {
    trades_.push_back(
        {fill.timestamp, fill.side, fill.price, fill.quantity, realized, ledger_.position(), ledger_.pnl(), fill.kind});
  }
  strategy_->OnFill(fill);
  return arrow::Status::OK();
}

double TickSimulation::Mark() const {
  const double mid = venue_.book().mid();
  return std::isnan(mid) ? last_trade_ : mid;
}

EquityRow TickSimulation::EquityAt(int64_t timestamp) const {
  const double mark = Mark();
  const double equity = ledger_.position() == 0 ? ledger_.pnl() : ledger_.Equity(mark);
  return {timestamp, ledger_.position(), mark, ledger_.pnl(), equity};
}

arrow::Result<Outcome> TickSimulation::Finish() {
  if (options_.venue.market.has_sessions()) ARROW_RETURN_NOT_OK(CloseDate());
  ARROW_RETURN_NOT_OK(OfStrategy(strategy_->status()));
  if (rows_ > 0) equity_.Finish(EquityAt(last_timestamp_));
  Outcome outcome;
  performance_.AddTo(outcome);
  outcome.final_position = ledger_.position();
  outcome.fees = ledger_.fees();
  outcome.rows = rows_;
  outcome.equity_interval_ns = equity_.interval_ns();
  outcome.crossed = crossed_;
  outcome.orders_rejected = venue_.counts().refused_all();
  outcome.activity = {.session = HoursText(options_.venue.market),
                      .outside_session = undecided_,
                      .book_missing = one_sided_,
                      .market_trades = trades_seen_ - undecided_trades_,
                      .orders = venue_.counts()};
  return outcome;
}

arrow::Status Check(const VenueOptions& venue) {
  ARROW_RETURN_NOT_OK(CheckMarket(venue.market));
  const auto positive_or_none = [](double value) { return value >= 0 && std::isfinite(value); };
  if (!positive_or_none(venue.tick_size) || !positive_or_none(venue.lot_size)) {
    return data::OptionError("venue: tick_size and lot_size must be positive, or 0 for none.");
  }
  if (!positive_or_none(venue.limits.max_position) || !positive_or_none(venue.limits.max_notional)) {
    return data::OptionError("venue: max_position and max_notional must be positive, or 0 for none.");
  }
  if (!(venue.contract.size > 0) || !std::isfinite(venue.contract.size)) {
    return data::OptionError("venue: contract_size must be positive.");
  }
  if (venue.orders_max < 1) return data::OptionError("venue: orders_max must be at least 1.");
  return arrow::Status::OK();
}

}  // namespace

arrow::Result<std::unique_ptr<Simulation>> Simulation::Make(SimulationOptions options,
                                                            std::unique_ptr<Strategy> strategy) {
  ARROW_RETURN_NOT_OK(Check(options.venue));
  if (options.equity_interval_ns.value_or(0) < 0) {
    return data::OptionError("simulation: equity_interval_ns must not be negative; 0 samples nothing.");
  }
  ARROW_ASSIGN_OR_RAISE(auto features, FeatureColumns::Make(strategy->features(), options.venue.market.has_sessions()));
  return std::make_unique<TickSimulation>(std::move(options), std::move(strategy), std::move(features));
}

}  // namespace sabot::backtest
