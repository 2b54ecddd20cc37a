// The parts of sabot._native.
#pragma once

#include <nanobind/nanobind.h>

namespace sabot::python {

void RegisterBacktest(nanobind::module_& module);
void RegisterCheckpoint(nanobind::module_& module);
void RegisterDiff(nanobind::module_& module);
void RegisterExpressions(nanobind::module_& module);
void RegisterGraph(nanobind::module_& module);
void RegisterKernels(nanobind::module_& module);
void RegisterKeyIndex(nanobind::module_& module);
void RegisterShuffle(nanobind::module_& module);
void RegisterShuffleBuffers(nanobind::module_& module);
void RegisterStream(nanobind::module_& module);
void RegisterSweep(nanobind::module_& module);
void RegisterTicks(nanobind::module_& module);
void RegisterWorkbook(nanobind::module_& module);

}  // namespace sabot::python
