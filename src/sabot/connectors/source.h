// One source partition: batches in the order of their offsets.
#pragma once

#include <arrow/record_batch.h>

#include <cstdint>
#include <optional>

namespace sabot::connectors {

// Read and closed by one thread at a time.
class Source : public arrow::RecordBatchReader {
 public:
  // How much of it has been read, 0 to 1, where that is known. May be called by any thread.
  virtual std::optional<double> done() const { return std::nullopt; }
  // Rows that it read and rejected, so that no batch has them. May be called by any thread.
  virtual int64_t rows_rejected() const { return 0; }
};

}  // namespace sabot::connectors
