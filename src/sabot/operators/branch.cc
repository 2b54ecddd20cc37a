#include "sabot/operators/branch.h"

#include <arrow/buffer.h>

#include "sabot/data/place.h"

namespace sabot::operators {

arrow::Result<Progress> Branch::Process(int /*input*/, const data::Batch& batch, Output& output) {
  ARROW_ASSIGN_OR_RAISE(auto places, batch.places.Branched(number_));
  ARROW_RETURN_NOT_OK(output.Emit({.rows = batch.rows, .places = std::move(places)}));
  return Progress::kDone;
}

}  // namespace sabot::operators
