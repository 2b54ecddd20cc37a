#include "sabot/graph/range_bounds.h"

#include <arrow/array/concatenate.h>
#include <arrow/array/util.h>
#include <arrow/compute/cast.h>
#include <arrow/scalar.h>
#include <arrow/type_traits.h>
#include <arrow/util/checked_cast.h>

#include <string>

#include "sabot/data/errors.h"
#include "sabot/graph/json_text.h"

namespace sabot::graph {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;
using TypePtr = std::shared_ptr<arrow::DataType>;

enum class Spelling { kNumbers, kText, kTimes, kUnits, kNone };

Spelling SpellingOf(const arrow::DataType& type) {
  if (arrow::is_integer(type.id()) || type.id() == arrow::Type::FLOAT || type.id() == arrow::Type::DOUBLE) {
    return Spelling::kNumbers;
  }
  if (arrow::is_base_binary_like(type.id()) || arrow::is_binary_view_like(type.id()) ||
      type.id() == arrow::Type::FIXED_SIZE_BINARY) {
    return Spelling::kText;
  }
  if (type.id() == arrow::Type::DURATION) return Spelling::kUnits;
  return arrow::is_temporal(type.id()) ? Spelling::kTimes : Spelling::kNone;
}

std::string_view Expected(Spelling spelling) {
  switch (spelling) {
    case Spelling::kNumbers:
      return "Give numbers that it holds.";
    case Spelling::kText:
      return "Give text.";
    case Spelling::kUnits:
      return "Give whole numbers of its unit.";
    default:
      return "Give text, such as \"2024-01-31\", \"09:30:00\" or, where there is a zone, \"2024-01-31T09:30:00Z\", or "
             "whole numbers of its unit.";
  }
}

arrow::Result<ArrayPtr> Given(const Json& bound) {
  std::shared_ptr<arrow::Scalar> value;
  if (bound.is_string()) {
    value = std::make_shared<arrow::StringScalar>(bound.get<std::string>());
  } else if (bound.is_number_unsigned()) {
    value = std::make_shared<arrow::UInt64Scalar>(bound.get<uint64_t>());
  } else if (bound.is_number_integer()) {
    value = std::make_shared<arrow::Int64Scalar>(bound.get<int64_t>());
  } else {
    value = std::make_shared<arrow::DoubleScalar>(bound.get<double>());
  }
  return arrow::MakeArrayFromScalar(*value, 1);
}

arrow::Result<ArrayPtr> ValueOf(const Json& bound, const TypePtr& type, Spelling spelling) {
  ARROW_ASSIGN_OR_RAISE(const ArrayPtr given, Given(bound));
  const bool is_text = bound.is_string();
  if (spelling != Spelling::kTimes && is_text != (spelling == Spelling::kText)) {
    return arrow::Status::TypeError(is_text ? "it is text" : "it is a number");
  }
  if (spelling == Spelling::kText) {  // Bytes of any length, which only some of the types can be cast from.
    ARROW_ASSIGN_OR_RAISE(const ArrayPtr bytes, arrow::compute::Cast(*given, arrow::binary()));
    return arrow::compute::Cast(*bytes, type);
  }
  if (is_text && (type->id() == arrow::Type::TIME32 || type->id() == arrow::Type::TIME64)) {  // Which have no cast.
    ARROW_ASSIGN_OR_RAISE(const auto time, arrow::Scalar::Parse(type, bound.get<std::string>()));
    return arrow::MakeArrayFromScalar(*time, 1);
  }
  if (spelling == Spelling::kNumbers || is_text) return arrow::compute::Cast(*given, type);
  if (bound.is_number_float()) return arrow::Status::TypeError("it is no whole number");
  const auto& fixed = arrow::internal::checked_cast<const arrow::FixedWidthType&>(*type);
  ARROW_ASSIGN_OR_RAISE(const ArrayPtr units,
                        arrow::compute::Cast(*given, fixed.bit_width() == 32 ? arrow::int32() : arrow::int64()));
  return units->View(type);
}

}  // namespace

arrow::Result<ArrayPtr> RangeBounds(std::string_view json, const arrow::Field& column) {
  const std::string who = "ranges of column '" + column.name() + "': ";
  ARROW_ASSIGN_OR_RAISE(const Json bounds, ParseJson(json, who + "bounds"));
  if (!bounds.is_array()) return data::OptionError(who + "the bounds are no array: " + std::string(json) + ".");
  TypePtr type = column.type();
  if (type->id() == arrow::Type::DICTIONARY) {
    type = arrow::internal::checked_cast<const arrow::DictionaryType&>(*type).value_type();
  }
  const Spelling spelling = SpellingOf(*type);
  if (bounds.empty()) return arrow::MakeEmptyArray(type);
  if (spelling == Spelling::kNone) return arrow::MakeArrayOfNull(arrow::null(), static_cast<int64_t>(bounds.size()));
  arrow::ArrayVector values;
  for (std::size_t at = 0; at < bounds.size(); ++at) {
    const Json& bound = bounds[at];
    auto value = bound.is_string() || bound.is_number()
                     ? ValueOf(bound, type, spelling)
                     : arrow::Result<ArrayPtr>(arrow::Status::TypeError("it is neither a number nor text"));
    if (!value.ok()) {
      return data::OptionError(who + "bound " + std::to_string(at) + " is " + Dump(bound) + ", which is no " +
                               type->ToString() + " (" + value.status().message() + "). " +
                               std::string(Expected(spelling)));
    }
    values.push_back(std::move(*value));
  }
  return arrow::Concatenate(values);
}

}  // namespace sabot::graph
