// Reads ahead: a source is read and decoded on a thread of its own, behind a bounded queue, while earlier batches are
// being used.
#pragma once

#include <arrow/result.h>

#include <memory>

#include "sabot/connectors/source.h"

namespace sabot::connectors {

struct PrefetchOptions {
  int batches_max = 4;  // Read and not yet taken, beside the one being read.
};

// The same batches in the same order; an error comes after the batches before it. The thread begins with the first
// ReadNext, which asks env::InterruptScope while it waits. Close, and the destructor, wait for the batch being read,
// but not for the writer of a pipe, and for no other. Error (kOption): batches_max below 1.
arrow::Result<std::shared_ptr<Source>> Prefetch(std::shared_ptr<Source> source, PrefetchOptions options = {});

}  // namespace sabot::connectors
