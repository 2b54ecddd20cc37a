// Fees that a kernel takes as one number, or row by row from a column.
#pragma once

#include <arrow/status.h>

#include <string>
#include <string_view>

#include "sabot/data/errors.h"

namespace sabot::kernels {

// Error (kOption): both were given.
inline arrow::Status CheckFees(std::string_view kernel, double fees_bps, bool use_fees_column) {
  if (!use_fees_column || fees_bps == 0) return arrow::Status::OK();
  return data::OptionError(std::string(kernel) +
                           ": option 'fees_bps' and option 'use_fees_column' were both given. Give the fees as a "
                           "number or as a column.");
}

}  // namespace sabot::kernels
