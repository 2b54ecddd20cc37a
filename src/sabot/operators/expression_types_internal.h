// The types of expressions as text, and their literals: what "timestamp[ns]" and "2024-01-01T09:30:00Z" stand for.
#pragma once

#include <arrow/result.h>
#include <arrow/scalar.h>
#include <arrow/type.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sabot::operators {

using ScalarPtr = std::shared_ptr<arrow::Scalar>;
using TypePtr = std::shared_ptr<arrow::DataType>;

// As messages, cast and JSON spell it: "float64", "string", "timestamp[ns, tz=UTC]".
std::string TypeName(const arrow::DataType& type);
// Such a name, or one of Arrow's other spellings ("double"). Error (kOption): nearest names.
arrow::Result<TypePtr> ParseType(std::string_view name);

// "2024-01-31", "2024-01-31T09:30:00.123456789", with Z or an offset an instant (timestamp[ns, tz=UTC]), without it
// timestamp[ns]. Error (kOption).
arrow::Result<ScalarPtr> ParseTimestamp(std::string_view text);
std::string FormatTimestamp(int64_t ns, bool utc);
// As kernels::ParseDuration, and also none ("0s") or less ("-5s").
arrow::Result<ScalarPtr> ParseSignedDuration(std::string_view text);

ScalarPtr NullLiteral();
TypePtr UtcTimestampType();  // timestamp[ns, tz=UTC]

// A scalar as one of the types of literals (see expression.h). Error (kOption).
arrow::Result<ScalarPtr> NormalLiteral(const ScalarPtr& value);
// A list literal of normal literals; integers become float64 beside such. Error (kOption): they are of several types.
arrow::Result<ScalarPtr> ListLiteral(std::vector<ScalarPtr> values);
// What a list literal holds.
std::vector<ScalarPtr> ValuesOf(const arrow::Scalar& list);

// The shortest digits that give the same number again, with a point or an exponent; "nan", "inf", "-inf".
std::string FormatDouble(double value);

}  // namespace sabot::operators
