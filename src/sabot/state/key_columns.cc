#include "sabot/state/key_columns.h"

#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>

#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "sabot/data/errors.h"

namespace sabot::state {
namespace {

constexpr uint32_t kNullLength = 0xFFFFFFFF;

// Takes one column's value off the front of a key of several columns; nothing where there is none.
std::optional<std::string_view> TakePart(std::string_view& rest) {
  uint32_t length = 0;
  if (rest.size() < sizeof(length)) return std::nullopt;
  std::memcpy(&length, rest.data(), sizeof(length));
  const uint64_t padded = (uint64_t{length} + 3) / 4 * 4;
  if (length == kNullLength || rest.size() - sizeof(length) < padded) return std::nullopt;
  const std::string_view part = rest.substr(sizeof(length), length);
  rest.remove_prefix(sizeof(length) + padded);
  return part;
}

arrow::Status NoKey(const arrow::FieldVector& fields) {
  std::string types;
  for (const auto& field : fields) types += (types.empty() ? "" : ", ") + field->ToString(/*show_metadata=*/false);
  return data::SnapshotError("a key in a store of state is none of (" + types +
                             "). The files are damaged, or of another job; restore an earlier checkpoint.");
}

template <class Builder>
arrow::Status AppendInteger(Builder& builder, std::string_view bytes) {
  typename Builder::value_type value = 0;
  std::memcpy(&value, bytes.data(), sizeof(value));
  return builder.Append(value);
}

arrow::Result<std::shared_ptr<arrow::Array>> ColumnOf(const arrow::FieldVector& fields, std::size_t column,
                                                      std::span<const std::string_view> parts) {
  const auto integers = [&](auto builder) -> arrow::Result<std::shared_ptr<arrow::Array>> {
    ARROW_RETURN_NOT_OK(builder.Reserve(static_cast<int64_t>(parts.size())));
    for (const auto part : parts) {
      if (part.size() != sizeof(int64_t)) return NoKey(fields);
      ARROW_RETURN_NOT_OK(AppendInteger(builder, part));
    }
    return builder.Finish();
  };
  switch (fields[column]->type()->id()) {
    case arrow::Type::INT64:
      return integers(arrow::Int64Builder());
    case arrow::Type::UINT64:
      return integers(arrow::UInt64Builder());
    default:
      break;
  }
  arrow::StringBuilder builder;
  int64_t bytes = 0;
  for (const auto part : parts) bytes += static_cast<int64_t>(part.size());
  ARROW_RETURN_NOT_OK(builder.Reserve(static_cast<int64_t>(parts.size())));
  ARROW_RETURN_NOT_OK(builder.ReserveData(bytes));
  for (const auto part : parts) builder.UnsafeAppend(part);
  return builder.Finish();
}

}  // namespace

arrow::Result<arrow::ArrayVector> KeyColumns(const arrow::FieldVector& fields, std::span<const std::string_view> keys) {
  std::vector<std::vector<std::string_view>> parts(fields.size(), std::vector<std::string_view>(keys.size()));
  for (std::size_t row = 0; row < keys.size(); ++row) {
    if (keys[row].size() < kGroupBytes) return NoKey(fields);
    std::string_view rest = keys[row].substr(kGroupBytes);
    if (fields.size() == 1) {
      parts[0][row] = rest;
      continue;
    }
    for (auto& column : parts) {
      const auto part = TakePart(rest);
      if (!part.has_value()) return NoKey(fields);
      column[row] = *part;
    }
    if (!rest.empty()) return NoKey(fields);
  }
  arrow::ArrayVector columns;
  for (std::size_t column = 0; column < fields.size(); ++column) {
    ARROW_ASSIGN_OR_RAISE(auto array, ColumnOf(fields, column, parts[column]));
    columns.push_back(std::move(array));
  }
  return columns;
}

}  // namespace sabot::state
