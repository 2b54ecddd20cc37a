// Every row to every task: small tables that all of them look things up in.
#pragma once

#include <arrow/result.h>
#include <arrow/type.h>

#include <memory>

#include "sabot/shuffle/partitioner.h"

namespace sabot::shuffle {

class BroadcastPartitioner final : public Partitioner {
 public:
  // Error (kOption): partitions out of [1, 32768].
  static arrow::Result<std::unique_ptr<BroadcastPartitioner>> Make(std::shared_ptr<arrow::Schema> schema,
                                                                   int partitions);

  std::string_view name() const override { return "broadcast"; }
  int partitions() const override { return partitions_; }
  arrow::Result<Split> Partition(const data::Batch& batch) override;

 private:
  BroadcastPartitioner(std::shared_ptr<arrow::Schema> schema, int partitions);

  std::shared_ptr<arrow::Schema> schema_;
  int partitions_;
};

}  // namespace sabot::shuffle
