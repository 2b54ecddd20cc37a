// Every message is on its way for the same time.
#pragma once

#include "sabot/backtest/models.h"

namespace sabot::backtest {

class ConstantLatencyModel final : public LatencyModel {
 public:
  explicit ConstantLatencyModel(int64_t latency_ns) : latency_ns_(latency_ns) {}
  int64_t Entry(int64_t /*sent*/) const override { return latency_ns_; }

 private:
  int64_t latency_ns_;
};

}  // namespace sabot::backtest
