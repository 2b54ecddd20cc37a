#include "sabot/operators/state_files.h"

#include <utility>

#include "sabot/data/errors.h"
#include "sabot/operators/stored_state_internal.h"

namespace sabot::operators {

arrow::Result<std::vector<std::shared_ptr<arrow::RecordBatchReader>>> ReadStateFiles(state::KeyStore& files) {
  ARROW_ASSIGN_OR_RAISE(const auto label, StateLabel::Read(files));
  if (label.kernels.empty()) {
    return data::SnapshotError("state " + Quoted(files.name()) + " does not say whose it is, so it cannot be read.");
  }
  std::vector<std::shared_ptr<arrow::RecordBatchReader>> tables;
  for (std::size_t index = 0; index < label.kernels.size(); ++index) {
    ARROW_ASSIGN_OR_RAISE(auto table, StoredState::ReadTable(files, label, index));
    tables.push_back(std::move(table));
  }
  return tables;
}

}  // namespace sabot::operators
