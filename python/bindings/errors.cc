#include "python/bindings/errors.h"

#include <arrow/util/io_util.h>
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <cerrno>
#include <string>

#include "sabot/data/errors.h"

namespace nb = nanobind;

namespace sabot::python {
namespace {

const char* ClassOf(data::ErrorKind kind) {
  switch (kind) {
    case data::ErrorKind::kSchema:
      return "SchemaError";
    case data::ErrorKind::kOption:
      return "OptionError";
    case data::ErrorKind::kData:
      return "DataError";
    case data::ErrorKind::kSnapshot:
      return "SnapshotError";
  }
  return "SabotError";
}

void Raise(const arrow::Status& status) {
  if (status.IsCancelled()) return PyErr_SetNone(PyExc_KeyboardInterrupt);
  if (status.IsOutOfMemory()) return PyErr_SetString(PyExc_MemoryError, status.message().c_str());
  const auto kind = data::KindOf(status);
  if (!kind && status.IsIOError()) {
    const int number = arrow::internal::ErrnoFromStatus(status);
    const nb::object error = nb::borrow(PyExc_OSError)(number == 0 ? EIO : number, status.message());
    return PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.ptr())),
                           error.ptr());  // FileNotFoundError and the like.
  }
  const nb::object type = nb::module_::import_("sabot.errors").attr(kind ? ClassOf(*kind) : "SabotError");
  PyErr_SetString(type.ptr(), status.message().c_str());
}

}  // namespace

void RegisterErrors() {
  nb::register_exception_translator([](const std::exception_ptr& pointer, void*) {
    try {
      std::rethrow_exception(pointer);
    } catch (const StatusException& error) {
      try {
        Raise(error.status());
      } catch (nb::python_error& failed) {  // sabot.errors could not be imported.
        failed.restore();
      }
    }
  });
}

}  // namespace sabot::python
