// Writes behind: a sink encodes and writes on a thread of its own, behind a bounded queue, while later batches are
// being made.
#pragma once

#include <arrow/result.h>

#include <memory>

#include "sabot/connectors/sink.h"

namespace sabot::connectors {

struct WriteBehindOptions {
  int batches_max = 4;  // Given and not yet begun, beside the one being written.
};

// The same bytes. An error of the sink is that of the next Write or of Close, and of all that follow. Write waits while
// the queue is full, Close until all is written; both ask env::InterruptScope meanwhile. Destroyed before that it waits
// for the batch being written, but not for the reader of a pipe, and leaves what the sink leaves. Error (kOption):
// batches_max below 1.
arrow::Result<std::unique_ptr<Sink>> WriteBehind(std::unique_ptr<Sink> sink, WriteBehindOptions options = {});

}  // namespace sabot::connectors
