// Calls from the engine into Python: whoever calls holds no GIL, and what Python raises crosses the engine as a status,
// at whose end it is raised again.
#pragma once

#include <arrow/result.h>
#include <arrow/status.h>
#include <nanobind/nanobind.h>

#include <memory>
#include <string>
#include <utility>

#include "python/bindings/errors.h"

namespace sabot::python {

namespace nb = nanobind;

// A Python object that threads without the GIL may copy and drop.
using SharedObject = std::shared_ptr<nb::object>;
inline SharedObject Share(nb::object object) {
  return {new nb::object(std::move(object)), [](nb::object* held) {
            const nb::gil_scoped_acquire gil;
            delete held;
          }};
}

// The status that raises this exception again, as the same object. Its text: the exception's, with its traceback,
// unless given.
arrow::Status StatusOf(nb::python_error error);
arrow::Status StatusOf(nb::python_error error, std::string text);
// Whether `status` came from an exception; if so it is Python's current one now.
bool RaiseAgain(const arrow::Status& status);

// Calls with the GIL. What `function` throws becomes a status.
template <class Function>
auto CallPython(Function&& function) -> arrow::Result<decltype(function())> {
  const nb::gil_scoped_acquire gil;
  try {
    return function();
  } catch (nb::python_error& error) {
    return StatusOf(std::move(error));
  } catch (const StatusException& error) {
    return error.status();
  } catch (const nb::builtin_exception& error) {
    return arrow::Status::TypeError(error.what());
  }
}

}  // namespace sabot::python
