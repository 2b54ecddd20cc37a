#include "sabot/checkpoint/rescale.h"

#include <arrow/record_batch.h>

#include <cstddef>
#include <cstdint>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/data/gather.h"
#include "sabot/data/key_hash.h"

namespace sabot::checkpoint {
namespace {

constexpr int64_t kPieceRows = int64_t{1} << 20;  // Rows that are numbered at once.

}  // namespace

arrow::Result<TableVector> SplitByKeyGroup(const arrow::Table& table, const std::vector<std::string>& key_by,
                                           const data::KeyGroupTable& tasks) {
  const auto count = static_cast<std::size_t>(tasks.tasks());
  if (table.num_rows() == 0) {
    ARROW_ASSIGN_OR_RAISE(const auto empty, arrow::Table::MakeEmpty(table.schema()));
    return TableVector(count, empty);
  }
  ARROW_ASSIGN_OR_RAISE(data::KeyHasher hasher, data::KeyHasher::Make(*table.schema(), key_by));
  const data::KeyGroups groups(tasks.groups());
  std::vector<arrow::RecordBatchVector> parts(count);
  std::vector<uint32_t> hashes;
  std::vector<std::vector<int32_t>> rows(count);
  arrow::TableBatchReader reader(table);
  reader.set_chunksize(kPieceRows);
  for (;;) {
    ARROW_ASSIGN_OR_RAISE(const auto batch, reader.Next());
    if (batch == nullptr) break;
    hashes.resize(static_cast<std::size_t>(batch->num_rows()));
    ARROW_RETURN_NOT_OK(hasher.Hash(*batch, hashes));
    for (auto& of_task : rows) of_task.clear();
    for (std::size_t row = 0; row < hashes.size(); ++row) {
      rows[tasks.TaskOf(groups.Of(hashes[row]))].push_back(static_cast<int32_t>(row));
    }
    for (std::size_t task = 0; task < count; ++task) {
      if (rows[task].empty()) continue;
      ARROW_ASSIGN_OR_RAISE(auto part, data::Gather(*batch, rows[task]));
      parts[task].push_back(std::move(part));
    }
  }
  TableVector tables(count);
  for (std::size_t task = 0; task < count; ++task) {
    ARROW_ASSIGN_OR_RAISE(tables[task], arrow::Table::FromRecordBatches(table.schema(), parts[task]));
  }
  return tables;
}

arrow::Result<TableVector> Rescale(std::span<const std::shared_ptr<arrow::Table>> copies,
                                   const std::vector<std::string>& key_by, const data::KeyGroupTable& tasks) {
  if (copies.empty()) return data::OptionError("rescale: an operator has at least one copy, found none.");
  TableVector with_rows;  // A copy that saw no row may not even know the types of its keys.
  for (std::size_t copy = 0; copy < copies.size(); ++copy) {
    if (copies[copy]->num_rows() == 0) continue;
    with_rows.push_back(copies[copy]);
    const arrow::Schema& expected = *with_rows.front()->schema();
    if (!copies[copy]->schema()->Equals(expected, /*check_metadata=*/true)) {
      return data::SnapshotError("rescale: copy " + std::to_string(copy) + " has\n" +
                                 copies[copy]->schema()->ToString(/*show_metadata=*/true) +
                                 "\nwhere the copies before it have\n" + expected.ToString(/*show_metadata=*/true) +
                                 "\nGive snapshots of one operator, of one checkpoint.");
    }
  }
  if (with_rows.empty()) return SplitByKeyGroup(*copies.front(), key_by, tasks);
  ARROW_ASSIGN_OR_RAISE(const auto all, arrow::ConcatenateTables(with_rows));
  return SplitByKeyGroup(*all, key_by, tasks);
}

}  // namespace sabot::checkpoint
