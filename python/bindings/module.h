// The parts of sabot._native.
#pragma once

#include <nanobind/nanobind.h>

namespace sabot::python {

void RegisterKernels(nanobind::module_& module);
void RegisterStream(nanobind::module_& module);

}  // namespace sabot::python
