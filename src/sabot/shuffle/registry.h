// Every partitioner by its name.
#pragma once

#include <arrow/array.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sabot/data/key_group.h"
#include "sabot/shuffle/partitioner.h"
#include "sabot/shuffle/round_robin_partitioner.h"

namespace sabot::shuffle {

// What to make; each partitioner reads its own part of it.
struct PartitionerSpec {
  std::string name;
  // hash
  std::vector<std::string> keys = {};
  int32_t key_groups = data::kKeyGroups;
  std::optional<data::KeyGroupTable> table = {};  // Unless given, group * partitions / groups.
  // range
  std::string column = {};
  std::shared_ptr<arrow::Array> bounds = {};
  // round_robin
  int64_t block_rows = RoundRobinPartitioner::kBlockRows;
};

using PartitionerMaker = arrow::Result<std::unique_ptr<Partitioner>> (*)(const PartitionerSpec& spec,
                                                                         const std::shared_ptr<arrow::Schema>& schema,
                                                                         int partitions);
struct PartitionerEntry {
  std::string_view name;
  std::string_view summary;
  PartitionerMaker make;
};

std::span<const PartitionerEntry> Partitioners();

// Errors (kOption): no such name (nearest ones are shown); those of the partitioner's Make.
arrow::Result<std::unique_ptr<Partitioner>> MakePartitioner(const PartitionerSpec& spec,
                                                            const std::shared_ptr<arrow::Schema>& schema,
                                                            int partitions);

}  // namespace sabot::shuffle
