#include "sabot/operators/kernel_operator.h"

#include <algorithm>
#include <utility>

#include "sabot/data/errors.h"

namespace sabot::operators {

// What a key costs in memory beside its state: itself, its hash entries, when it was used.
constexpr int64_t kKeyBytes = 96;

arrow::Result<SchemaVector> KernelOperator::Bind(const SchemaVector& inputs) {
  if (open_store_ != nullptr && chain_.stateful()) {
    ARROW_ASSIGN_OR_RAISE(auto given, std::exchange(open_store_, nullptr)());
    const int64_t cached_keys = std::max<int64_t>(given.cached_bytes / (chain_.state_bytes() + kKeyBytes), 1);
    ARROW_RETURN_NOT_OK(chain_.UseStore(std::move(given.store), cached_keys, given.key_groups));
  }
  ARROW_ASSIGN_OR_RAISE(auto schema, chain_.Bind(inputs.front()));
  return SchemaVector{std::move(schema)};
}

arrow::Result<Progress> KernelOperator::Process(int /*input*/, const data::Batch& batch, Output& output) {
  ARROW_ASSIGN_OR_RAISE(auto rows, run_chain_(chain_, batch.rows));
  ARROW_RETURN_NOT_OK(output.Emit({.rows = std::move(rows), .places = batch.places, .origin = batch.origin}));
  return Progress::kDone;
}

arrow::Result<std::vector<std::shared_ptr<arrow::Table>>> KernelOperator::Snapshot() const {
  std::vector<std::shared_ptr<arrow::Table>> tables(chain_.kernels().size());
  for (std::size_t index = 0; index < tables.size(); ++index) {
    ARROW_ASSIGN_OR_RAISE(tables[index], chain_.Snapshot(index));
  }
  return tables;
}

arrow::Result<FrozenState> KernelOperator::Freeze() {
  FrozenState frozen(chain_.kernels().size());
  for (std::size_t index = 0; index < frozen.size(); ++index) {
    ARROW_ASSIGN_OR_RAISE(frozen[index], chain_.Freeze(index));
  }
  return frozen;
}

arrow::Status KernelOperator::Restore(const std::vector<std::shared_ptr<arrow::Table>>& snapshot) {
  if (snapshot.size() != chain_.kernels().size()) {
    return data::SnapshotError("kernel: the snapshot has " + std::to_string(snapshot.size()) + " tables, the chain " +
                               std::to_string(chain_.kernels().size()) + " kernels. Restore into the same pipeline.");
  }
  for (std::size_t index = 0; index < snapshot.size(); ++index) {
    ARROW_RETURN_NOT_OK(chain_.Restore(index, *snapshot[index]));
  }
  return arrow::Status::OK();
}

}  // namespace sabot::operators
