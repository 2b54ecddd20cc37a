// A user's strategy in a library of its own, which strategy_library_test loads: it buys once a date at the best bid.
#include "sabot/backtest/own_strategies.h"
#include "sabot/backtest/quote_rules.h"

namespace mine {

using namespace sabot::backtest;

class BuyOnce final : public Strategy {
 public:
  static StrategyInfo Info() {
    return {.name = "buy_once",
            .summary = "Buys once a date.",
            .parameters = QuoteSizeParameters(),
            .make = &MakeStrategy<BuyOnce>};
  }
  explicit BuyOnce(const Settings& settings) : sizes_(settings) {}

  void OnDate() override { bought_ = false; }
  arrow::Status OnTick(const Moment& moment, Orders& orders) override {
    const Level& best = moment.book.bid;
    if (bought_ || !best.exists()) return arrow::Status::OK();
    const double size = sizes_.At(Side::kBuy, best.price, moment);
    bought_ = orders.Send({.side = Side::kBuy, .price = best.price, .size = size}) != kNoOrder;
    return arrow::Status::OK();
  }

 private:
  QuoteSizes sizes_;
  bool bought_ = false;
};

}  // namespace mine

SABOT_STRATEGIES(mine::BuyOnce)
