// Libraries of kernels that were not built with Sabot (see own_kernels.h): loaded while a program runs, and never
// unloaded, for what they hold is in use until its end.
#pragma once

#include <arrow/result.h>

#include <span>
#include <string>
#include <vector>

#include "sabot/operators/keyed_kernel.h"

namespace sabot::operators {

// Adds the kernels of a shared library to those that are known, all of them or none, and returns them. A library that
// is loaded already changes nothing. `taken`: names that they may not have, beside those of kernels and of functions of
// expressions. Any thread.
// Errors: (IOError) no such file, or it cannot be loaded; (kOption) it is no such library, was built for another Sabot
// or otherwise, or a name is taken or none.
arrow::Result<std::vector<const kernels::KernelInfo*>> LoadKernels(const std::string& path,
                                                                   std::span<const std::string> taken = {});

namespace internal {

// Of a loaded kernel; nullptr for Sabot's own.
KernelMaker MakerOfLoaded(const kernels::KernelInfo& info);

}  // namespace internal
}  // namespace sabot::operators
