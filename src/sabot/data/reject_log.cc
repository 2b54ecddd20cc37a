#include "sabot/data/reject_log.h"

#include "sabot/data/errors.h"

namespace sabot::data {

arrow::Status StrictRejects::Add(const Reject& reject) {
  return DataError(reject.where + ": " + reject.reason + ". The row: '" + reject.row +
                   "'. Mend it, or give the run a place for rejected rows to go on without them.");
}

}  // namespace sabot::data
