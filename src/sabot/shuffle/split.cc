#include "sabot/shuffle/split.h"

#include <arrow/type.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <string>

#include "sabot/data/errors.h"

namespace sabot::shuffle {

arrow::Status CheckPartitions(int partitions) {
  if (partitions >= 1 && partitions <= kPartitionsMax) return arrow::Status::OK();
  return data::OptionError("shuffle: the number of partitions must be in [1, " + std::to_string(kPartitionsMax) +
                           "], found " + std::to_string(partitions) + ".");
}

arrow::Status CheckSchema(std::string_view partitioner, const arrow::Schema& schema, const arrow::RecordBatch& batch) {
  const arrow::Schema& found = *batch.schema();
  if (&found == &schema) return arrow::Status::OK();
  const auto error = [partitioner](const std::string& what) {
    return data::SchemaError(std::string(partitioner) + " partitioner: a batch has " + what +
                             ". A stream keeps the columns with which it began.");
  };
  if (found.num_fields() != schema.num_fields()) {
    return error(std::to_string(found.num_fields()) + " columns, expected " + std::to_string(schema.num_fields()));
  }
  for (int at = 0; at < schema.num_fields(); ++at) {
    const arrow::Field& a = *schema.field(at);
    const arrow::Field& b = *found.field(at);
    if (a.name() == b.name() && (a.type() == b.type() || a.type()->Equals(b.type()))) continue;
    return error("column '" + b.name() + "' of type " + b.type()->ToString() + " where '" + a.name() + "' of type " +
                 a.type()->ToString() + " is expected");
  }
  return arrow::Status::OK();
}

RowCounts::RowCounts(int partitions)
    : counts_(static_cast<std::size_t>(partitions)), odd_(static_cast<std::size_t>(partitions)) {}

std::span<const int64_t> RowCounts::Of(std::span<const uint16_t> partition_of_row) {
  std::fill(counts_.begin(), counts_.end(), 0);
  std::fill(odd_.begin(), odd_.end(), 0);
  const std::size_t even = partition_of_row.size() / 2 * 2;
  for (std::size_t row = 0; row < even; row += 2) {  // Two rows of one partition need not wait for each other.
    ++counts_[partition_of_row[row]];
    ++odd_[partition_of_row[row + 1]];
  }
  if (even < partition_of_row.size()) ++counts_[partition_of_row[even]];
  for (std::size_t partition = 0; partition < counts_.size(); ++partition) counts_[partition] += odd_[partition];
  return counts_;
}

namespace {

template <class PartitionOf>
arrow::Result<Split> SplitRowsBy(std::span<const uint16_t> rows, std::span<const int64_t> rows_of_partition,
                                 PartitionOf partition_of) {
  const auto row_count = static_cast<int64_t>(rows.size());
  if (row_count > 0) {
    const auto all = std::find(rows_of_partition.begin(), rows_of_partition.end(), row_count);
    if (all != rows_of_partition.end())
      return AllTo(static_cast<int>(all - rows_of_partition.begin()), static_cast<int>(rows_of_partition.size()));
  }
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> numbers,
                        arrow::AllocateBuffer(row_count * static_cast<int64_t>(sizeof(int32_t))));
  Split split;
  split.parts.reserve(rows_of_partition.size());
  std::vector<int32_t*> next(rows_of_partition.size());
  int64_t begin = 0;
  for (std::size_t partition = 0; partition < next.size(); ++partition) {
    const int64_t count = rows_of_partition[partition];
    next[partition] = numbers->mutable_data_as<int32_t>() + begin;
    split.parts.push_back({.rows = count == 0 ? data::Selection() : data::Selection(numbers, begin, count)});
    begin += count;
  }
  for (std::size_t row = 0; row < rows.size(); ++row) *next[partition_of(rows[row])]++ = static_cast<int32_t>(row);
  return split;
}

}  // namespace

arrow::Result<Split> SplitRows(std::span<const uint16_t> partition_of_row, std::span<const int64_t> rows_of_partition) {
  return SplitRowsBy(partition_of_row, rows_of_partition, [](uint16_t partition) { return partition; });
}

arrow::Result<Split> SplitRows(std::span<const uint16_t> group_of_row, std::span<const uint16_t> partition_of_group,
                               std::span<const int64_t> rows_of_partition) {
  return SplitRowsBy(group_of_row, rows_of_partition,
                     [tasks = partition_of_group.data()](uint16_t group) { return tasks[group]; });
}

Split AllTo(int partition, int partitions) {
  Split split;
  split.parts.resize(static_cast<std::size_t>(partitions));
  split.parts[static_cast<std::size_t>(partition)].all = true;
  return split;
}

}  // namespace sabot::shuffle
