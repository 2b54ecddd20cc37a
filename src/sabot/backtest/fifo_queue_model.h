// The queue in front of an order moves by trades alone: a size that shrinks is taken to shrink behind it.
#pragma once

#include "sabot/backtest/models.h"

namespace sabot::backtest {

class FifoQueueModel final : public QueueModel {
 public:
  double Ahead(double ahead, double /*traded*/, double /*before*/, double /*now*/) const override { return ahead; }
};

}  // namespace sabot::backtest
