// A function from batch to batch. It sees batches as they happen to be cut: that its rows do not depend on the cuts is
// its author's promise.
#pragma once

#include <arrow/record_batch.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sabot/operators/operator.h"

namespace sabot::operators {

// Called by one thread at a time, with batches in order.
using BatchFunction = std::function<arrow::Result<arrow::RecordBatchVector>(const data::Batch& batch)>;

struct MapOptions {
  std::string name;                       // "map <lambda>", for messages.
  std::shared_ptr<arrow::Schema> output;  // Of what the function returns.
  bool keeps_rows = true;                 // One batch for each, with as many rows; they keep their places.
  // What the function remembers, as Operator has it; null: nothing that it tells of.
  std::function<arrow::Result<std::vector<std::shared_ptr<arrow::Table>>>()> snapshot = nullptr;
  std::function<arrow::Status(const std::vector<std::shared_ptr<arrow::Table>>&)> restore = nullptr;
};

// With keeps_rows false (flat_map) the function may return any number of batches and rows. Their places
// are those of rows made of the last row of the batch, one after another.
class Map final : public Operator {
 public:
  Map(MapOptions options, BatchFunction function) : options_(std::move(options)), function_(std::move(function)) {}

  std::string_view name() const override { return options_.name; }
  arrow::Result<SchemaVector> Bind(const SchemaVector& inputs) override;
  // Errors: those of the function; (kData) another schema or row count than promised.
  arrow::Result<Progress> Process(int input, const data::Batch& batch, Output& output) override;
  arrow::Result<Progress> Resume(Output& output) override;
  bool needs_places() const override { return true; }  // For its messages.
  bool stateful() const override { return true; }      // It may be.
  arrow::Result<std::vector<std::shared_ptr<arrow::Table>>> Snapshot() const override;
  arrow::Status Restore(const std::vector<std::shared_ptr<arrow::Table>>& snapshot) override;

 private:
  arrow::Status Check(const data::Batch& batch, const arrow::RecordBatchVector& made) const;

  MapOptions options_;
  BatchFunction function_;
  arrow::RecordBatchVector made_;  // What the function returned last...
  std::size_t next_ = 0;           // ...and which of it comes next.
  int64_t rows_given_ = 0;         // Of them.
  data::Places places_;            // Of the batch it was made of.
};

// "rows at offsets 8192 to 16383 of source 0"
std::string WhereIs(const data::Batch& batch);

}  // namespace sabot::operators
