// The methods of sabot._native.Stream that run it or plan a run.
#pragma once

#include <nanobind/nanobind.h>

#include "sabot/engine/stream.h"

namespace sabot::python {

void RegisterRuns(nanobind::module_& module, nanobind::class_<engine::Stream>& stream);

}  // namespace sabot::python
