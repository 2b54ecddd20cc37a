#include "sabot/backtest/avellaneda_stoikov_strategy.h"

#include <algorithm>
#include <cmath>

#include "sabot/backtest/session.h"
#include "sabot/kernels/math.h"

namespace sabot::backtest {
namespace {

std::vector<Parameter> Parameters() {
  std::vector<Parameter> parameters{
      {.name = "gamma", .standard = 0.1, .least = 0, .least_open = true, .doc = "Aversion to risk, in 1 / price."},
      {.name = "kappa",
       .standard = 1.5,
       .least = 0,
       .least_open = true,
       .doc = "How fast the chance of a fill falls with the distance from the mid, in 1 / price."},
      {.name = "horizon_sec",
       .standard = 300.0,
       .least = 0,
       .most = 1e9,
       .least_open = true,
       .doc = "Seconds over which the risk of the position counts."},
      {.name = "session_end",
       .kind = Parameter::Kind::kText,
       .nullable = true,
       .form = Parameter::Form{"a time of the day (HH:MM or HH:MM:SS)",
                               [](const std::string& text) { return ParseTimeOfDay(text).ok(); }},
       .doc =
           "Time of the day, such as \"14:45\": the risk counts until then instead, and nothing is quoted after it."},
      {.name = "volatility",
       .nullable = true,
       .least = 0,
       .doc = "Standard deviation of the mid's change over a second, in price; null: measured."},
      {.name = "volatility_window_sec",
       .standard = 300.0,
       .least = 0.001,
       .most = 86'400,
       .doc = "Seconds over which it is measured. Until they have passed, nothing is quoted."},
      {.name = "inventory_unit",
       .nullable = true,
       .least = 0,
       .least_open = true,
       .doc = "What counts as one of inventory; null: quote_size."},
      {.name = "tick_size", .standard = 0.01, .least = 0, .least_open = true, .doc = "Grid of prices."},
  };
  const auto sizes = QuoteSizeParameters();
  parameters.insert(parameters.begin(), sizes.begin(), sizes.end());
  return parameters;
}

}  // namespace

StrategyInfo AvellanedaStoikovStrategy::Info() {
  return {
      .name = "avellaneda_stoikov",
      .summary = "Quotes around a reservation price that leans against the position, as wide as risk and fills ask.",
      .source = "Avellaneda & Stoikov (2008), Quantitative Finance 8(3), 217-224.",
      .parameters = Parameters(),
      .make = &AvellanedaStoikovStrategy::Make};
}

arrow::Result<std::unique_ptr<Strategy>> AvellanedaStoikovStrategy::Make(const Settings& settings) {
  std::unique_ptr<AvellanedaStoikovStrategy> strategy(new AvellanedaStoikovStrategy(settings));
  if (!settings.is_null("session_end")) {
    ARROW_ASSIGN_OR_RAISE(strategy->session_end_, ParseTimeOfDay(settings.text("session_end")));
  }
  return strategy;
}

AvellanedaStoikovStrategy::AvellanedaStoikovStrategy(const Settings& settings)
    : sizes_(settings),
      grid_(settings.number("tick_size")),
      gamma_(settings.number("gamma")),
      width_(2 / gamma_ * kernels::math::Log1p(gamma_ / settings.number("kappa"))),
      inventory_unit_(settings.maybe("inventory_unit").value_or(settings.number("quote_size"))),
      horizon_sec_(settings.number("horizon_sec")),
      volatility_(settings.maybe("volatility")),
      volatility_window_ns_(std::llround(settings.number("volatility_window_sec") * 1e9)) {}

// Squared log returns of the mid, summed over the window.
std::vector<Feature> AvellanedaStoikovStrategy::features() const {
  if (volatility_) return {};
  const operators::KernelSpec returns{.kernel = "log_returns", .columns = {{"price", "mid"}}};
  const operators::KernelSpec variance{.kernel = "realized_var",
                                       .options = {{"window", kernels::FormatDuration(volatility_window_ns_)},
                                                   {"max_rows", static_cast<int64_t>(kernels::kRowsMost)}}};
  return {{returns}, {variance}};
}

void AvellanedaStoikovStrategy::OnDate() {
  orders_ = {};
  warm_at_.reset();
}

std::optional<double> AvellanedaStoikovStrategy::Variance(const Moment& moment) {
  if (volatility_) return *volatility_ * *volatility_;
  if (!warm_at_) warm_at_ = After(moment.tick.timestamp, volatility_window_ns_);
  if (moment.tick.timestamp < *warm_at_ || std::isnan(moment.features[1])) return std::nullopt;
  const double mid = moment.book.mid();
  return moment.features[1] * mid * mid / (static_cast<double>(volatility_window_ns_) / 1e9);
}

double AvellanedaStoikovStrategy::SecondsLeft(int64_t now) const {
  if (!session_end_) return horizon_sec_;
  return static_cast<double>(DateOf(now) * kDayNs + *session_end_ - now) / 1e9;
}

arrow::Status AvellanedaStoikovStrategy::OnTick(const Moment& moment, Orders& orders) {
  if (!moment.book.two_sided()) return arrow::Status::OK();
  const auto variance = Variance(moment);
  const double seconds = SecondsLeft(moment.tick.timestamp);
  const bool quotes = variance.has_value() && seconds > 0;
  const double risk = quotes ? gamma_ * *variance * seconds : 0;
  const double reservation = moment.book.mid() - moment.ledger.position() / inventory_unit_ * risk;
  const double half_spread = (risk + width_) / 2;
  // Rounded away from the mid, and never so far over it that a quote would meet the other side's best.
  const double bid = std::min(grid_.Down(reservation - half_spread), grid_.Up(moment.book.ask.price) - 1);
  const double ask = std::max(grid_.Up(reservation + half_spread), grid_.Down(moment.book.bid.price) + 1);

  for (const Side side : kBothSides) {
    OrderId& order = orders_[IndexOf(side)];
    const Order* alive = order == kNoOrder ? nullptr : orders.Find(order);
    if (alive == nullptr) order = kNoOrder;
    const double price = grid_.Price(side == Side::kBuy ? bid : ask);
    const bool may_quote = quotes && price > 0;
    if (may_quote && alive != nullptr && alive->request.price == price) continue;
    const double size = may_quote ? sizes_.At(side, price, moment) : 0;
    order = Requote(order, {.side = side, .price = price, .size = size, .type = OrderType::kPostOnly}, orders);
  }
  return arrow::Status::OK();
}

}  // namespace sabot::backtest
