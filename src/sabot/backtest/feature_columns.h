// The values that a strategy's kernels have at each tick.
#pragma once

#include <arrow/result.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sabot/backtest/book.h"
#include "sabot/backtest/strategy.h"
#include "sabot/backtest/tick.h"
#include "sabot/operators/kernel_chain.h"

namespace sabot::backtest {

// Names of the outputs that `features` have, in their order. Errors: those of the kernels (kOption, kSchema).
arrow::Result<std::vector<std::string>> FeatureNames(const std::vector<Feature>& features);

class FeatureColumns {
 public:
  // `dates_clear`: the market has sessions, so that a new date begins with an empty book.
  static arrow::Result<FeatureColumns> Make(const std::vector<Feature>& features, bool dates_clear);

  bool empty() const { return !chain_.has_value(); }
  // Of the next ticks.
  arrow::Status Compute(const Ticks& ticks);
  // At a row of them; stays valid until the next Compute.
  std::span<const double> At(int64_t row) const {
    return {values_.data() + static_cast<std::size_t>(row) * latest_.size(), latest_.size()};
  }

 private:
  std::optional<operators::KernelChain> chain_;
  bool dates_clear_ = false;
  Book book_;
  std::optional<int64_t> date_;
  std::vector<double> latest_;  // Of each output.
  std::vector<double> values_;  // Row by row.
};

}  // namespace sabot::backtest
