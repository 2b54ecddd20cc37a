#include "sabot/operators/partition_check.h"

#include <algorithm>
#include <any>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "sabot/data/errors.h"

namespace sabot::operators {

class PartitionOfKeys {
 public:
  // The partition that has the key: the one that asks, or the one that asked first.
  int Claim(const std::string& key, int partition) {
    const std::lock_guard lock(mutex_);
    return partitions_.try_emplace(key, partition).first->second;
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, int> partitions_;  // By the canonical bytes of the key.
};

PartitionCheck::PartitionCheck(PartitionCheckOptions options, const OperatorContext& context)
    : options_(std::move(options)), partition_(context.copy) {
  if (!context.shared->has_value()) *context.shared = std::make_shared<PartitionOfKeys>();
  partition_of_keys_ = std::any_cast<std::shared_ptr<PartitionOfKeys>>(*context.shared);
}

arrow::Result<SchemaVector> PartitionCheck::Bind(const SchemaVector& inputs) {
  ARROW_ASSIGN_OR_RAISE(keys_, data::KeyIndex::Make(*inputs.front(), options_.by));
  ARROW_ASSIGN_OR_RAISE(hasher_, data::KeyHasher::Make(*inputs.front(), options_.by));
  return inputs;
}

arrow::Result<Progress> PartitionCheck::Process(int /*input*/, const data::Batch& batch, Output& output) {
  const auto count = static_cast<std::size_t>(batch.num_rows());
  std::vector<int32_t> slots(count);
  std::vector<uint64_t> has_key((count + 63) / 64);
  data::Slots out{.slots = slots, .has_key = has_key};
  ARROW_RETURN_NOT_OK(keys_->Resolve(*batch.rows, 0, out));
  // Slots count up in the order in which their keys appear.
  for (std::size_t row = 0; row < count && claimed_ < keys_->size(); ++row) {
    if (slots[row] != claimed_) continue;
    if (!out.all_have_key && (has_key[row / 64] >> (row % 64) & 1) == 0) continue;
    ARROW_RETURN_NOT_OK(Claim(*hasher_, *batch.rows, static_cast<int64_t>(row)));
    ++claimed_;
  }
  ARROW_RETURN_NOT_OK(output.Emit(batch));
  return Progress::kDone;
}

arrow::Status PartitionCheck::Claim(data::KeyHasher& hasher, const arrow::RecordBatch& rows, int64_t row) {
  bytes_.clear();
  ARROW_RETURN_NOT_OK(hasher.AppendBytes(rows, row, bytes_));
  const int other = partition_of_keys_->Claim(bytes_, partition_);
  if (other == partition_) return arrow::Status::OK();
  const auto called = [&](int partition) {
    const auto at = static_cast<std::size_t>(partition);
    return at < options_.partitions.size() ? "'" + options_.partitions[at] + "'" : std::to_string(partition);
  };
  std::string columns;
  for (const auto& column : options_.by) columns += (columns.empty() ? "" : ", ") + column;
  ARROW_ASSIGN_OR_RAISE(const auto key, hasher.Describe(rows, row));
  return data::DataError("partitioned_by: " + columns + " '" + key + "' is in two partitions of source " +
                         options_.source + ": " + called(std::min(partition_, other)) + " and " +
                         called(std::max(partition_, other)) +
                         ". Bring the rows of a key into one of them, or leave partitioned_by out.");
}

arrow::Result<std::vector<std::shared_ptr<arrow::Table>>> PartitionCheck::Snapshot() const {
  ARROW_ASSIGN_OR_RAISE(auto columns, keys_->Keys());
  return std::vector{arrow::Table::Make(arrow::schema(keys_->KeyFields()), std::move(columns), keys_->size())};
}

arrow::Status PartitionCheck::Restore(const std::vector<std::shared_ptr<arrow::Table>>& snapshot) {
  if (snapshot.size() != 1) {
    return data::SnapshotError("partition_check: this is no snapshot of it: it has " + std::to_string(snapshot.size()) +
                               " tables, expected 1. Restore into the same pipeline.");
  }
  ARROW_ASSIGN_OR_RAISE(const auto rows, snapshot.front()->CombineChunksToBatch());
  std::vector<int32_t> slots(static_cast<std::size_t>(rows->num_rows()));
  ARROW_RETURN_NOT_OK(keys_->Insert(rows->columns(), slots));
  // Keys of any encoding have the same bytes.
  ARROW_ASSIGN_OR_RAISE(auto hasher, data::KeyHasher::Make(*rows->schema(), options_.by));
  for (int64_t row = 0; row < rows->num_rows(); ++row) ARROW_RETURN_NOT_OK(Claim(hasher, *rows, row));
  claimed_ = keys_->size();
  return arrow::Status::OK();
}

}  // namespace sabot::operators
