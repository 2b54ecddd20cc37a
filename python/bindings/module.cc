#include "python/bindings/module.h"

#include "python/bindings/arrow_capsules.h"
#include "python/bindings/errors.h"

NB_MODULE(_native, module) {
  nanobind::set_leak_warnings(false);  // A reader half read when the interpreter ends is no leak worth a page of text.
  module.doc() = "Sabot's engine. Use the package sabot, which is documented and typed.";
  sabot::python::RegisterErrors();
  sabot::python::RegisterCapsules(module);
  sabot::python::RegisterBacktest(module);
  sabot::python::RegisterCheckpoint(module);
  sabot::python::RegisterDiff(module);
  sabot::python::RegisterExpressions(module);
  sabot::python::RegisterGraph(module);
  sabot::python::RegisterKernels(module);
  sabot::python::RegisterKeyIndex(module);
  sabot::python::RegisterShuffle(module);
  sabot::python::RegisterShuffleBuffers(module);
  sabot::python::RegisterStream(module);
  sabot::python::RegisterSweep(module);
  sabot::python::RegisterTicks(module);
  sabot::python::RegisterWorkbook(module);
}
