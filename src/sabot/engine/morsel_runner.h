// Runs a batch through a kernel chain on many cores: items of (morsel x stage) as soon as what they read is there. The
// same bits as on one thread; small batches and chains with nothing to share stay on the caller's.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <memory>
#include <string_view>

#include "sabot/env/executor.h"
#include "sabot/env/interrupt.h"
#include "sabot/operators/kernel_chain.h"

namespace sabot::engine {

// Below this many rows a batch runs on the caller's thread.
inline constexpr int64_t kParallelRows = 10'000;

// Errors are those of KernelChain::Process, and Cancelled from `interrupt`, which only the calling thread asks. The
// first error stops the run; the chain's state is then that of a part of the batch.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> RunMorsels(operators::KernelChain& chain,
                                                              const std::shared_ptr<arrow::RecordBatch>& batch,
                                                              env::Executor& executor, env::Interrupt& interrupt);

// The executor that Python and Stream use: at most `SABOT_MAX_THREADS` threads, or one a core. SetMaxThreads replaces
// it for runs that begin later (0: one a core).
std::shared_ptr<env::Executor> DefaultExecutor();
void SetMaxThreads(int threads);
// SABOT_MAX_THREADS as a number. Error (kOption): it is none, or negative.
arrow::Result<int> ParseMaxThreads(std::string_view text);

}  // namespace sabot::engine
