#include "python/bindings/arrow_capsules.h"

#include <arrow/c/bridge.h>
#include <nanobind/stl/string.h>

#include "python/bindings/errors.h"
#include "sabot/data/errors.h"

namespace sabot::python {
namespace {

// A C struct of the Arrow C data interface in a capsule that releases it if nobody took it.
template <class Struct>
nb::object Capsule(std::unique_ptr<Struct> exported, const char* name) {
  PyObject* capsule = PyCapsule_New(exported.get(), name, [](PyObject* self) {
    auto* held = static_cast<Struct*>(PyCapsule_GetPointer(self, PyCapsule_GetName(self)));
    if (held->release != nullptr) held->release(held);
    delete held;
  });
  if (capsule == nullptr) throw nb::python_error();
  exported.release();
  return nb::steal(capsule);
}

template <class Struct>
Struct* FromCapsule(const nb::handle& capsule, const char* name) {
  auto* held = static_cast<Struct*>(PyCapsule_GetPointer(capsule.ptr(), name));
  if (held == nullptr) throw nb::python_error();
  return held;
}

nb::object SchemaCapsule(const arrow::Schema& schema) {
  auto exported = std::make_unique<ArrowSchema>();
  Check(arrow::ExportSchema(schema, exported.get()));
  return Capsule(std::move(exported), "arrow_schema");
}

}  // namespace

nb::object ArrowResult::Stream(const nb::object&) const {
  auto exported = std::make_unique<ArrowArrayStream>();
  Check(arrow::ExportRecordBatchReader(Check(arrow::RecordBatchReader::Make(batches_, schema_)), exported.get()));
  return Capsule(std::move(exported), "arrow_array_stream");
}

nb::tuple ArrowResult::Array(const nb::object&) const {
  if (batches_.size() != 1) {
    Check(data::DataError("the result has " + std::to_string(batches_.size()) + " batches. Read it as a stream."));
  }
  auto schema = std::make_unique<ArrowSchema>();
  auto array = std::make_unique<ArrowArray>();
  Check(arrow::ExportRecordBatch(*batches_[0], array.get(), schema.get()));
  auto array_capsule = Capsule(std::move(array), "arrow_array");
  return nb::make_tuple(Capsule(std::move(schema), "arrow_schema"), std::move(array_capsule));
}

nb::object ArrowResult::Schema() const { return SchemaCapsule(*schema_); }
nb::object ArrowSchemaResult::Schema() const { return SchemaCapsule(*schema); }

std::shared_ptr<arrow::RecordBatchReader> ImportReader(const nb::object& data) {
  if (nb::hasattr(data, "__arrow_c_array__")) {
    const auto capsules = nb::cast<nb::tuple>(data.attr("__arrow_c_array__")());
    const auto batch = Check(arrow::ImportRecordBatch(FromCapsule<ArrowArray>(capsules[1], "arrow_array"),
                                                      FromCapsule<ArrowSchema>(capsules[0], "arrow_schema")));
    return Check(arrow::RecordBatchReader::Make({batch}, batch->schema()));
  }
  if (nb::hasattr(data, "__arrow_c_stream__")) {
    const nb::object capsule = data.attr("__arrow_c_stream__")();
    return Check(arrow::ImportRecordBatchReader(FromCapsule<ArrowArrayStream>(capsule, "arrow_array_stream")));
  }
  const nb::object name = nb::borrow(reinterpret_cast<PyObject*>(Py_TYPE(data.ptr()))).attr("__qualname__");
  throw nb::type_error(
      ("expected Arrow data (an object with __arrow_c_array__ or __arrow_c_stream__, such as a pyarrow, polars "
       "or pandas table), found " +
       nb::cast<std::string>(name) + ".")
          .c_str());
}

std::shared_ptr<arrow::Schema> ImportSchema(const nb::object& schema) {
  const nb::object capsule = schema.attr("__arrow_c_schema__")();
  return Check(arrow::ImportSchema(FromCapsule<ArrowSchema>(capsule, "arrow_schema")));
}

void RegisterCapsules(nb::module_& module) {
  nb::class_<ArrowResult>(module, "Result", "Record batches, for any library that reads Arrow.")
      .def("__arrow_c_stream__", &ArrowResult::Stream, nb::arg("requested_schema") = nb::none())
      .def("__arrow_c_array__", &ArrowResult::Array, nb::arg("requested_schema") = nb::none())
      .def("__arrow_c_schema__", &ArrowResult::Schema);
  nb::class_<ArrowSchemaResult>(module, "Schema", "A schema, for any library that reads Arrow.")
      .def("__arrow_c_schema__", &ArrowSchemaResult::Schema);
}

}  // namespace sabot::python
