// No more can stand in front of an order than is shown at its price; as much as that is taken to stand there. Of all
// places that a best quote allows this is the last.
#pragma once

#include <algorithm>

#include "sabot/backtest/models.h"

namespace sabot::backtest {

class RiskAverseQueueModel final : public QueueModel {
 public:
  double Ahead(double ahead, double /*traded*/, double /*before*/, double now) const override {
    return std::min(ahead, now);
  }
};

}  // namespace sabot::backtest
