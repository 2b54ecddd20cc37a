#include "sabot/shuffle/hash_partitioner.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "sabot/data/errors.h"

namespace sabot::shuffle {

HashPartitioner::HashPartitioner(data::KeyHasher hasher, data::KeyGroupTable table)
    : hasher_(std::move(hasher)),
      table_(std::move(table)),
      groups_(table_.groups()),
      counts_(table_.groups()),
      rows_of_group_(static_cast<std::size_t>(table_.groups())),
      task_rows_(static_cast<std::size_t>(table_.tasks())) {}

arrow::Result<std::unique_ptr<HashPartitioner>> HashPartitioner::Make(const arrow::Schema& schema,
                                                                      std::vector<std::string> keys,
                                                                      data::KeyGroupTable table) {
  ARROW_ASSIGN_OR_RAISE(auto hasher, data::KeyHasher::Make(schema, std::move(keys)));
  return std::unique_ptr<HashPartitioner>(new HashPartitioner(std::move(hasher), std::move(table)));
}

arrow::Result<Split> HashPartitioner::Partition(const data::Batch& batch) {
  const auto rows = static_cast<std::size_t>(batch.num_rows());
  if (hashes_.size() < rows) {
    hashes_.resize(rows);
    row_group_.resize(rows);
  }
  const std::span<uint32_t> hashes(hashes_.data(), rows);
  const std::span<uint16_t> row_group(row_group_.data(), rows);
  ARROW_RETURN_NOT_OK(hasher_.Hash(*batch.rows, hashes));
  groups_.Of(hashes, row_group.data());

  const std::span<const int64_t> group_rows = counts_.Of(row_group);
  const std::span<const uint16_t> task_of_group = table_.task_of_group();
  std::fill(task_rows_.begin(), task_rows_.end(), 0);
  for (std::size_t group = 0; group < group_rows.size(); ++group) {
    auto& rows_so_far = rows_of_group_[group];
    rows_so_far.store(rows_so_far.load(std::memory_order_relaxed) + group_rows[group], std::memory_order_relaxed);
    task_rows_[task_of_group[group]] += group_rows[group];
  }
  if (hot_keys_.Due()) ARROW_RETURN_NOT_OK(hot_keys_.Add(hasher_, *batch.rows, hashes));
  return SplitRows(row_group, task_of_group, task_rows_);
}

std::vector<int64_t> HashPartitioner::rows_of_group() const {
  std::vector<int64_t> rows;
  rows.reserve(rows_of_group_.size());
  for (const auto& of_group : rows_of_group_) rows.push_back(of_group.load(std::memory_order_relaxed));
  return rows;
}

arrow::Status HashPartitioner::set_table(data::KeyGroupTable table) {
  const auto shape = [](const data::KeyGroupTable& of) {
    return std::to_string(of.groups()) + " groups, " + std::to_string(of.tasks()) + " tasks, version " +
           std::to_string(of.version());
  };
  if (table.groups() != table_.groups() || table.tasks() != table_.tasks() || table.version() <= table_.version()) {
    return data::OptionError("hash partitioner: a table of " + shape(table) + " cannot follow one of " + shape(table_) +
                             ". Make it with KeyGroupTable::With.");
  }
  table_ = std::move(table);
  return arrow::Status::OK();
}

}  // namespace sabot::shuffle
