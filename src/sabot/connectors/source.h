// One source partition: batches in the order of their offsets.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

namespace sabot::connectors {

// Read and closed by one thread at a time.
class Source : public arrow::RecordBatchReader {
 public:
  // As ReadNext, but never waits for a disk or a network: false where the next batch is not there yet, and then `wake`
  // is called, by any thread, when it is. A source that computes its batches, or has them, just gives them.
  virtual arrow::Result<bool> TryNext(std::shared_ptr<arrow::RecordBatch>* batch) {
    ARROW_RETURN_NOT_OK(ReadNext(batch));
    return true;
  }
  virtual void set_wake(std::function<void()> /*wake*/) {}  // Before the first TryNext.
  // Passes over rows at its beginning that nobody wants, where that is cheaper than reading them: how many, at most
  // `rows`. Before the first TryNext.
  virtual arrow::Result<int64_t> Skip(int64_t /*rows*/) { return 0; }

  // How much of it has been read, 0 to 1, where that is known. May be called by any thread.
  virtual std::optional<double> done() const { return std::nullopt; }
  // Rows that it read and rejected, so that no batch has them. May be called by any thread.
  virtual int64_t rows_rejected() const { return 0; }
};

}  // namespace sabot::connectors
