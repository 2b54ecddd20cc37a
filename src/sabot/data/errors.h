// What can be wrong with what a user gives us, as arrow::Status with a kind that survives the way to Python.
// A message says where, what was found, what was expected and what to do.
#pragma once

#include <arrow/status.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sabot::data {

enum class ErrorKind {
  kSchema,    // A column is missing, of another type, or exists already.
  kOption,    // A parameter is unknown, out of its range, or contradicts another.
  kData,      // A value cannot be used: a truncated file, a time that overflows.
  kSnapshot,  // A snapshot of another kernel, of other parameters or another version.
};

arrow::Status SchemaError(std::string message);
arrow::Status OptionError(std::string message);
arrow::Status DataError(std::string message);
arrow::Status SnapshotError(std::string message);

// The kind given by one of the four functions above; nothing for any other status.
std::optional<ErrorKind> KindOf(const arrow::Status& status);

// The names closest to `wanted` (edit distance, at most three), as the end of a message:
// " Nearest names: 'price', 'prices'." Lists all when there are up to eight and none is close; "" if there are none.
std::string NearestNames(std::string_view wanted, std::span<const std::string> names);

}  // namespace sabot::data
