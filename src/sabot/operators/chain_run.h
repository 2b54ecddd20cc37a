// A batch on its way through a kernel chain, as work items.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "sabot/operators/kernel_chain.h"

namespace sabot::operators {

// Rows of a morsel: MORSEL_SIZE_KB (64 unless set) of one float64 column; 1 to 65,536.
int64_t MorselRows();
// The same for a given text. Error (kOption): no such number.
arrow::Result<int64_t> ParseMorselRows(std::string_view kilobytes);

// One batch under way. Stages are the keys (if any kernel has state) and the kernels, in an order in which each reads
// only what earlier ones wrote. Where there are more threads than kernels, one whose rows are expensive is several
// stages, one behind the other, each with its share of the slots. Distinct items whose conditions hold may run at once
// on different threads.
class ChainRun {
 public:
  ~ChainRun();

  // A run may be at most this many morsels ahead of its slowest stage: slots are kept for so many.
  static constexpr int64_t kMorselsInFlight = 32;

  int stages() const;
  int64_t morsels() const;
  // Stages that must have finished a morsel before `stage` may run it.
  std::span<const int> inputs(int stage) const;
  // Whether `stage` must run its morsels in order, one at a time.
  bool ordered(int stage) const;
  // Whether more than one thread could ever have something to do.
  bool parallel() const;

  arrow::Status Run(int stage, int64_t morsel);
  // The batch with its new columns, when every item has run.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Finish();

 private:
  friend class KernelChain;
  struct Impl;
  explicit ChainRun(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sabot::operators
