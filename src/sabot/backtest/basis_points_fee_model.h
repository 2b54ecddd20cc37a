// Fees as a share of what was traded, in basis points (1/10,000). A negative one is a rebate.
#pragma once

#include "sabot/backtest/models.h"

namespace sabot::backtest {

class BasisPointsFeeModel final : public FeeModel {
 public:
  BasisPointsFeeModel(double maker_bps, double taker_bps) : maker_bps_(maker_bps), taker_bps_(taker_bps) {}
  double Fee(double notional, bool maker) const override { return notional * (maker ? maker_bps_ : taker_bps_) / 1e4; }

 private:
  double maker_bps_;
  double taker_bps_;
};

}  // namespace sabot::backtest
