#include "sabot/engine/job_state.h"

#include <utility>

namespace sabot::engine {

arrow::Result<JobState> TakenState::Read() && {
  if (!files.empty()) return arrow::Status::Invalid("the state was taken as files, and is read as tables");
  for (std::size_t op = 0; op < frozen.size(); ++op) {
    for (const auto& table : frozen[op]) {
      ARROW_ASSIGN_OR_RAISE(state.operators[op].tables.emplace_back(), table->ToTable());
    }
  }
  frozen.clear();
  return std::move(state);
}

}  // namespace sabot::engine
