// Arrow data across the border, by the Arrow PyCapsule interface alone: nothing is copied, and no Arrow C++ object of
// another library is touched.
#pragma once

#include <arrow/record_batch.h>
#include <nanobind/nanobind.h>

#include <memory>
#include <utility>
#include <vector>

namespace sabot::python {

namespace nb = nanobind;

// Batches on their way to Python. Exports as a stream, and as an array too when it came from one batch.
class ArrowResult {
 public:
  ArrowResult(std::shared_ptr<arrow::Schema> schema, arrow::RecordBatchVector batches)
      : schema_(std::move(schema)), batches_(std::move(batches)) {}
  explicit ArrowResult(const std::shared_ptr<arrow::RecordBatch>& batch) : ArrowResult(batch->schema(), {batch}) {}

  nb::object Stream(const nb::object& requested_schema) const;
  nb::tuple Array(const nb::object& requested_schema) const;  // Error (kData): there is not exactly one batch.
  nb::object Schema() const;

 private:
  std::shared_ptr<arrow::Schema> schema_;
  arrow::RecordBatchVector batches_;
};

// A schema on its way to Python.
struct ArrowSchemaResult {
  std::shared_ptr<arrow::Schema> schema;
  nb::object Schema() const;
};

// From anything with __arrow_c_array__ (one batch) or __arrow_c_stream__. Error: TypeError.
std::shared_ptr<arrow::RecordBatchReader> ImportReader(const nb::object& data);
// From anything with __arrow_c_schema__.
std::shared_ptr<arrow::Schema> ImportSchema(const nb::object& schema);

void RegisterCapsules(nb::module_& module);

}  // namespace sabot::python
