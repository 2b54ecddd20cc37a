#include "sabot/backtest/ledger.h"

#include <algorithm>
#include <cmath>

namespace sabot::backtest {

double Ledger::Gain(double quantity, double from, double to) const {
  return contract_.type == ContractType::kLinear ? (to - from) * quantity * contract_.size
                                                 : quantity * contract_.size * (1 / from - 1 / to);
}

double Ledger::Apply(Side side, double price, double quantity, double fee) {
  const double sign = Sign(side);
  const double held = std::abs(position_);
  double realized = 0;
  if (held == 0) {
    average_ = price;
    position_ = sign * quantity;
  } else if (position_ * sign > 0) {  // Extends.
    average_ = contract_.type == ContractType::kLinear ? (average_ * held + price * quantity) / (held + quantity)
                                                       : (held + quantity) / (held / average_ + quantity / price);
    position_ += sign * quantity;
  } else {
    const double closed = std::min(held, quantity);
    realized = position_ > 0 ? Gain(closed, average_, price) : Gain(closed, price, average_);
    if (quantity > held) {
      position_ = sign * (quantity - held);
      average_ = price;
    } else {
      position_ += sign * quantity;
    }
  }
  position_ = lots_.Snap(position_, std::max(held, quantity));
  if (position_ == 0) average_ = 0;
  const double notional = contract_.Notional(quantity, price);
  turnover_ += std::abs(notional);
  cash_ += contract_.type == ContractType::kLinear ? -sign * notional : sign * notional;
  fees_ += fee;
  realized_ += realized;
  pnl_ += realized - fee;
  return realized;
}

double Ledger::Unrealized(double mark) const { return position_ == 0 ? 0 : Gain(position_, average_, mark); }

double Ledger::EquityByCash(double mark) const {
  const double held = position_ == 0 ? 0 : contract_.Notional(position_, mark);
  return cash_ + (contract_.type == ContractType::kLinear ? held : -held) - fees_;
}

}  // namespace sabot::backtest
