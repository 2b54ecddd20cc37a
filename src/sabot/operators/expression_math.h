// Our functions for Arrow's expressions: where Arrow would call the C library's mathematics, whose bits differ from one
// machine to another, these call kernels/math. They live in a registry of their own; Arrow's global one stays as it is.
#pragma once

#include <arrow/compute/exec.h>

namespace sabot::operators {

// For binding and running expressions: Arrow's functions, and sabot.ln, sabot.power, sabot.least, ... on float64. Any
// thread.
arrow::compute::ExecContext* ExpressionContext();

}  // namespace sabot::operators
