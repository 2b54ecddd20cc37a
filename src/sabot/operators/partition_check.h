// Holds a source to its word that no key is in two of its partitions: kernels behind it then need neither a shuffle nor
// a merge. One copy stands behind each partition; rows pass unchanged.
#pragma once

#include <arrow/table.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sabot/data/key_hash.h"
#include "sabot/data/key_index.h"
#include "sabot/operators/operator.h"

namespace sabot::operators {

struct PartitionCheckOptions {
  std::vector<std::string> by;  // The key columns.
  std::string source = {};  // For messages: "parquet ticks/*.parquet",
  std::vector<std::string> partitions = {};  // and what its partitions are called.
};

// In which partition each key is: one for all copies. A copy asks only for keys that are new to it. Any thread.
class PartitionOfKeys;

// Copy i (OperatorContext::copy) checks partition i. Rows whose key is null are of no key. A key that is in two
// partitions is an error (kData) that names it and both, whichever copy met it last; where there are several such keys
// it names one of them.
class PartitionCheck final : public Operator {
 public:
  PartitionCheck(PartitionCheckOptions options, const OperatorContext& context);

  std::string_view name() const override { return "partition_check"; }
  // Errors (kSchema, kOption): those of data::KeyIndex::Make.
  arrow::Result<SchemaVector> Bind(const SchemaVector& inputs) override;
  arrow::Result<Progress> Process(int input, const data::Batch& batch, Output& output) override;
  bool stateful() const override { return true; }
  arrow::Result<std::vector<std::shared_ptr<arrow::Table>>> Snapshot() const override;
  arrow::Status Restore(const std::vector<std::shared_ptr<arrow::Table>>& snapshot) override;

 private:
  arrow::Status Claim(data::KeyHasher& hasher, const arrow::RecordBatch& rows, int64_t row);

  PartitionCheckOptions options_;
  int partition_;
  std::shared_ptr<PartitionOfKeys> partition_of_keys_;
  std::optional<data::KeyIndex> keys_;
  std::optional<data::KeyHasher> hasher_;
  int64_t claimed_ = 0;  // Slots of keys_ that are known to be this partition's.
  std::string bytes_;  // Of the key in hand.
};

}  // namespace sabot::operators
