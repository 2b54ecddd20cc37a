// Python's keyword arguments as a kernel's options, and back.
#pragma once

#include <nanobind/nanobind.h>

#include <map>
#include <string>

#include "sabot/operators/kernel_chain.h"

namespace sabot::python {

namespace nb = nanobind;

// Error (kOption): an unusable type.
kernels::OptionValue OptionFromPython(const std::string& kernel, const std::string& name, nb::handle value);
nb::object OptionToPython(const kernels::OptionValue& value);

// (name, options, columns, outputs)
operators::KernelSpec SpecFromPython(const nb::tuple& kernel);
nb::tuple SpecToPython(const operators::KernelSpec& kernel);

}  // namespace sabot::python
