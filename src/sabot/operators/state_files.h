// The state of a kernel chain in the files of a store, read without the chain: for tools, and for people who want to
// know what a checkpoint holds.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <memory>
#include <vector>

#include "sabot/state/key_store.h"

namespace sabot::operators {

// One table a kernel, as KernelChain::Snapshot() gives them, with rows in the order of their keys' bytes. They may be
// read when the store is gone. Errors (kSnapshot): the store does not say whose state it holds, or is damaged.
arrow::Result<std::vector<std::shared_ptr<arrow::RecordBatchReader>>> ReadStateFiles(state::KeyStore& files);

}  // namespace sabot::operators
