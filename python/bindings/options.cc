#include "python/bindings/options.h"

#include <nanobind/stl/map.h>
#include <nanobind/stl/string.h>

#include <variant>

#include "python/bindings/errors.h"
#include "sabot/data/errors.h"

namespace sabot::python {

kernels::OptionValue OptionFromPython(const std::string& kernel, const std::string& name, nb::handle value) {
  PyObject* object = value.ptr();
  if (value.is_none()) return std::monostate{};
  if (PyBool_Check(object)) return object == Py_True;
  if (PyUnicode_Check(object)) return nb::cast<std::string>(value);
  if (PyFloat_Check(object)) return PyFloat_AsDouble(object);
  if (PyIndex_Check(object)) {  // int, and the integers of numpy.
    const nb::object integer = nb::steal(PyNumber_Index(object));
    int overflow = 0;
    const int64_t number = PyLong_AsLongLongAndOverflow(integer.ptr(), &overflow);
    if (overflow == 0) return number;
  } else if (PyNumber_Check(object)) {
    const nb::object number = nb::steal(PyNumber_Float(object));
    if (number.is_valid()) return PyFloat_AsDouble(number.ptr());
    PyErr_Clear();
  }
  Check(data::OptionError(kernel + ": option '" + name + "' must be a number, a string, True, False or None, found " +
                          nb::cast<std::string>(nb::repr(value)) + "."));
  return {};
}

nb::object OptionToPython(const kernels::OptionValue& value) {
  return std::visit(
      [](const auto& held) -> nb::object {
        if constexpr (std::is_same_v<std::decay_t<decltype(held)>, std::monostate>) {
          return nb::none();
        } else {
          return nb::cast(held);
        }
      },
      value);
}

operators::KernelSpec SpecFromPython(const nb::tuple& kernel) {
  operators::KernelSpec spec{.kernel = nb::cast<std::string>(kernel[0])};
  for (const auto& [name, value] : nb::cast<nb::dict>(kernel[1])) {
    auto text = nb::cast<std::string>(name);
    auto option = OptionFromPython(spec.kernel, text, value);
    spec.options.emplace_back(std::move(text), std::move(option));
  }
  spec.columns = nb::cast<std::map<std::string, std::string>>(kernel[2]);
  spec.outputs = nb::cast<std::map<std::string, std::string>>(kernel[3]);
  return spec;
}

nb::tuple SpecToPython(const operators::KernelSpec& kernel) {
  nb::dict options;
  for (const auto& [name, value] : kernel.options) options[name.c_str()] = OptionToPython(value);
  return nb::make_tuple(kernel.kernel, options, kernel.columns, kernel.outputs);
}

}  // namespace sabot::python
