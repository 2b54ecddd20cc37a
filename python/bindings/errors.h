// The one mapping of arrow::Status to Python exceptions (sabot.errors).
#pragma once

#include <arrow/result.h>
#include <arrow/status.h>

#include <exception>
#include <utility>

namespace sabot::python {

// Carries a status through C++ frames to the translator.
class StatusException final : public std::exception {
 public:
  explicit StatusException(arrow::Status status) : status_(std::move(status)) {}
  const arrow::Status& status() const { return status_; }
  const char* what() const noexcept override { return "arrow::Status"; }

 private:
  arrow::Status status_;
};

inline void Check(const arrow::Status& status) {
  if (!status.ok()) throw StatusException(status);
}

template <class T>
T Check(arrow::Result<T> result) {
  Check(result.status());
  return std::move(result).ValueUnsafe();
}

void RegisterErrors();

}  // namespace sabot::python
