#include "sabot/shuffle/registry.h"

#include "sabot/data/errors.h"
#include "sabot/shuffle/broadcast_partitioner.h"
#include "sabot/shuffle/hash_partitioner.h"
#include "sabot/shuffle/range_partitioner.h"

namespace sabot::shuffle {
namespace {

using Made = arrow::Result<std::unique_ptr<Partitioner>>;
using SchemaPtr = std::shared_ptr<arrow::Schema>;

Made MakeHash(const PartitionerSpec& spec, const SchemaPtr& schema, int partitions) {
  if (!spec.table) {
    ARROW_ASSIGN_OR_RAISE(auto table, data::KeyGroupTable::Make(spec.key_groups, partitions));
    return HashPartitioner::Make(*schema, spec.keys, std::move(table));
  }
  if (spec.table->tasks() != partitions) {
    return data::OptionError("hash partitioner: the key-group table is for " + std::to_string(spec.table->tasks()) +
                             " tasks, found " + std::to_string(partitions) + " partitions.");
  }
  return HashPartitioner::Make(*schema, spec.keys, *spec.table);
}

Made MakeRange(const PartitionerSpec& spec, const SchemaPtr& schema, int partitions) {
  if (spec.bounds == nullptr)
    return data::OptionError("range partitioner: no bounds are given. Give one fewer than partitions.");
  return RangePartitioner::Make(*schema, spec.column, *spec.bounds, partitions);
}

Made MakeRoundRobin(const PartitionerSpec& spec, const SchemaPtr& schema, int partitions) {
  return RoundRobinPartitioner::Make(schema, partitions, spec.block_rows);
}

Made MakeBroadcast(const PartitionerSpec& /*spec*/, const SchemaPtr& schema, int partitions) {
  return BroadcastPartitioner::Make(schema, partitions);
}

constexpr PartitionerEntry kPartitioners[] = {
    {"hash", "Rows of equal keys to one task.", MakeHash},
    {"range", "Rows by ranges of one column.", MakeRange},
    {"round_robin", "Blocks of source offsets in turn.", MakeRoundRobin},
    {"broadcast", "Every row to every task.", MakeBroadcast},
};

}  // namespace

std::span<const PartitionerEntry> Partitioners() { return kPartitioners; }

Made MakePartitioner(const PartitionerSpec& spec, const SchemaPtr& schema, int partitions) {
  std::vector<std::string> names;
  for (const PartitionerEntry& entry : kPartitioners) {
    if (entry.name == spec.name) return entry.make(spec, schema, partitions);
    names.emplace_back(entry.name);
  }
  return data::OptionError("shuffle: there is no partitioner '" + spec.name + "'." +
                           data::NearestNames(spec.name, names));
}

}  // namespace sabot::shuffle
