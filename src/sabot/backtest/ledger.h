// Position, average cost and profit of one security.
#pragma once

#include <cstdint>

#include "sabot/backtest/book.h"
#include "sabot/backtest/lot_grid.h"

namespace sabot::backtest {

enum class ContractType : uint8_t {
  kLinear,   // Profit in the currency of the price: quantity x contract size x change of price.
  kInverse,  // Profit in the coin that the price is of: quantity x contract size x change of 1 / price.
};

struct Contract {
  ContractType type = ContractType::kLinear;
  double size = 1;  // Units (inverse: money) a contract.

  // What a quantity is worth at a price, in the currency of the profit.
  double Notional(double quantity, double price) const {
    return type == ContractType::kLinear ? quantity * price * size : quantity * size / price;
  }
};

class Ledger {
 public:
  // `lots`: the position is whole lots but for fills of odd ones, so 0.3 less three times 0.1 is 0.
  explicit Ledger(Contract contract = {}, LotGrid lots = LotGrid()) : contract_(contract), lots_(lots) {}

  // What a fill realises, before its fee. One that extends the position moves the average; one that reduces it
  // realises; one that crosses zero does both, and the rest opens at the price.
  double Apply(Side side, double price, double quantity, double fee);

  double position() const { return position_; }
  double average() const { return average_; }    // Of the open position; 0 without one.
  double realized() const { return realized_; }  // Before fees.
  double fees() const { return fees_; }
  double pnl() const { return pnl_; }            // Realised, after fees.
  double Unrealized(double mark) const;
  double Equity(double mark) const { return pnl_ + Unrealized(mark); }
  const Contract& contract() const { return contract_; }

  // The same equity by the other way, from all that was paid and received: equal but for rounding.
  double EquityByCash(double mark) const;
  double turnover() const { return turnover_; }  // Notional of all fills: the scale of that rounding.

 private:
  double Gain(double quantity, double from, double to) const;

  Contract contract_;
  LotGrid lots_;
  double position_ = 0;
  double average_ = 0;
  double realized_ = 0;
  double fees_ = 0;
  double pnl_ = 0;
  double cash_ = 0;
  double turnover_ = 0;
};

}  // namespace sabot::backtest
