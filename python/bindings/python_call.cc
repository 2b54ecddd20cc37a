#include "python/bindings/python_call.h"

#include <string>

namespace sabot::python {
namespace {

constexpr const char* kTypeId = "sabot::python::PythonErrorDetail";

class PythonErrorDetail final : public arrow::StatusDetail {
 public:
  explicit PythonErrorDetail(SharedObject exception) : exception_(std::move(exception)) {}
  const char* type_id() const override { return kTypeId; }
  std::string ToString() const override { return "a Python exception"; }
  const nb::object& exception() const { return *exception_; }

 private:
  SharedObject exception_;
};

}  // namespace

arrow::Status StatusOf(nb::python_error error) {
  std::string text = error.what();
  return StatusOf(std::move(error), std::move(text));
}

arrow::Status StatusOf(nb::python_error error, std::string text) {
  return {arrow::StatusCode::UnknownError, std::move(text),
          std::make_shared<PythonErrorDetail>(Share(nb::borrow<nb::object>(error.value())))};
}

bool RaiseAgain(const arrow::Status& status) {
  if (status.detail() == nullptr || std::string_view(status.detail()->type_id()) != kTypeId) return false;
  const nb::object& exception = static_cast<const PythonErrorDetail&>(*status.detail()).exception();
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception.ptr())), exception.ptr());
  return true;
}

}  // namespace sabot::python
