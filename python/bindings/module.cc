#include "python/bindings/module.h"

#include "python/bindings/arrow_capsules.h"
#include "python/bindings/errors.h"

NB_MODULE(_native, module) {
  module.doc() = "Sabot's engine. Use the package sabot, which is documented and typed.";
  sabot::python::RegisterErrors();
  sabot::python::RegisterCapsules(module);
  sabot::python::RegisterKernels(module);
  sabot::python::RegisterStream(module);
}
