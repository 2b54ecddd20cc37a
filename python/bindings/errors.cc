#include "python/bindings/errors.h"

#include <arrow/util/io_util.h>
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <cerrno>
#include <string>

#include "python/bindings/python_call.h"
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

// C strings end at a zero byte, which a path or a row may hold.
std::string Text(const arrow::Status& status) {
  std::string text = status.message();
  for (std::size_t at = text.find('\0'); at != std::string::npos; at = text.find('\0', at)) text.replace(at, 1, "\\0");
  return text;
}

void Raise(const arrow::Status& status) {
  if (PyErr_CheckSignals() != 0) return;  // Ctrl-C came first, while the engine waited for what then failed.
  if (RaiseAgain(status)) return;
  if (status.IsCancelled()) return PyErr_SetNone(PyExc_KeyboardInterrupt);
  if (status.IsOutOfMemory()) return PyErr_SetString(PyExc_MemoryError, Text(status).c_str());
  const auto kind = data::KindOf(status);
  if (!kind && status.IsIOError()) {
    const int number = arrow::internal::ErrnoFromStatus(status);
    const nb::object error = nb::borrow(PyExc_OSError)(number == 0 ? EIO : number, Text(status));
    return PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(error.ptr())),
                           error.ptr());  // FileNotFoundError and the like.
  }
  const nb::object type = nb::module_::import_("sabot.errors").attr(kind ? ClassOf(*kind) : "SabotError");
  PyErr_SetString(type.ptr(), Text(status).c_str());
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
