// Rows by their key: hash -> key group -> task. Equal keys go to one task, in whichever batch and encoding they come.
#pragma once

#include <arrow/result.h>
#include <arrow/type.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "sabot/data/hot_keys.h"
#include "sabot/data/key_group.h"
#include "sabot/data/key_hash.h"
#include "sabot/shuffle/partitioner.h"
#include "sabot/shuffle/split.h"

namespace sabot::shuffle {

class HashPartitioner final : public Partitioner {
 public:
  // Errors: those of KeyHasher::Make.
  static arrow::Result<std::unique_ptr<HashPartitioner>> Make(const arrow::Schema& schema,
                                                              std::vector<std::string> keys, data::KeyGroupTable table);

  std::string_view name() const override { return "hash"; }
  int partitions() const override { return table_.tasks(); }
  arrow::Result<Split> Partition(const data::Batch& batch) override;

  const std::vector<std::string>& keys() const { return hasher_.by(); }
  const data::KeyGroupTable& table() const { return table_; }
  // From the next batch on; at a checkpoint, when what was sent before has been taken in. Errors (kOption): another
  // number of groups or of tasks, or a version that is not newer.
  arrow::Status set_table(data::KeyGroupTable table);

  // What was seen so far: rows by key group, which any thread may ask, and the hottest keys of the batches looked at.
  std::vector<int64_t> rows_of_group() const;
  const data::HotKeys& hot_keys() const { return hot_keys_; }

 private:
  HashPartitioner(data::KeyHasher hasher, data::KeyGroupTable table);

  data::KeyHasher hasher_;
  data::KeyGroupTable table_;
  data::KeyGroups groups_;
  RowCounts counts_;
  std::vector<std::atomic<int64_t>> rows_of_group_;  // Written by the thread that partitions.
  data::HotKeys hot_keys_;
  std::vector<uint32_t> hashes_;  // Of the batch in hand, by row,
  std::vector<uint16_t> row_group_;  // as are its key groups;
  std::vector<int64_t> task_rows_;  // and how many rows each task gets of it.
};

}  // namespace sabot::shuffle
