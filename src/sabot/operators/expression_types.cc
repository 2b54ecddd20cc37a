#include <arrow/array/builder_base.h>
#include <arrow/array/util.h>
#include <arrow/compute/cast.h>
#include <arrow/util/utf8.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>

#include "sabot/data/errors.h"
#include "sabot/kernels/options.h"
#include "sabot/operators/expression_types_internal.h"

namespace sabot::operators {
namespace {

struct NamedType {
  std::string_view name;
  TypePtr type;
};

// The first name of a type is the one we write.
const std::vector<NamedType>& NamedTypes() {
  static const std::vector<NamedType> types = [] {
    std::vector<NamedType> list = {{"bool", arrow::boolean()},
                                   {"int8", arrow::int8()},
                                   {"int16", arrow::int16()},
                                   {"int32", arrow::int32()},
                                   {"int64", arrow::int64()},
                                   {"uint8", arrow::uint8()},
                                   {"uint16", arrow::uint16()},
                                   {"uint32", arrow::uint32()},
                                   {"uint64", arrow::uint64()},
                                   {"float32", arrow::float32()},
                                   {"float64", arrow::float64()},
                                   {"string", arrow::utf8()},
                                   {"large_string", arrow::large_utf8()},
                                   {"date32", arrow::date32()},
                                   {"date32[day]", arrow::date32()},
                                   {"boolean", arrow::boolean()},
                                   {"float", arrow::float32()},
                                   {"double", arrow::float64()},
                                   {"utf8", arrow::utf8()},
                                   {"str", arrow::utf8()},
                                   {"large_utf8", arrow::large_utf8()}};
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kNames = {
        {{"timestamp[s]", "duration[s]"},
         {"timestamp[ms]", "duration[ms]"},
         {"timestamp[us]", "duration[us]"},
         {"timestamp[ns]", "duration[ns]"}}};
    for (std::size_t unit = 0; unit < kNames.size(); ++unit) {
      list.push_back({kNames[unit].first, arrow::timestamp(static_cast<arrow::TimeUnit::type>(unit))});
      list.push_back({kNames[unit].second, arrow::duration(static_cast<arrow::TimeUnit::type>(unit))});
    }
    return list;
  }();
  return types;
}

bool Consume(std::string_view& text, std::string_view start) {
  if (!text.starts_with(start)) return false;
  text.remove_prefix(start.size());
  return true;
}

// Exactly `digits` digits.
bool ConsumeNumber(std::string_view& text, std::size_t digits, int64_t& number) {
  if (text.size() < digits) return false;
  number = 0;
  for (std::size_t at = 0; at < digits; ++at) {
    if (text[at] < '0' || text[at] > '9') return false;
    number = 10 * number + (text[at] - '0');
  }
  text.remove_prefix(digits);
  return true;
}

// "decimal128(10, 2)" after its first parenthesis.
bool ConsumeDecimal(std::string_view text, int32_t& precision, int32_t& scale) {
  const char* const end = text.data() + text.size();
  auto [at, error] = std::from_chars(text.data(), end, precision);
  if (error != std::errc{} || at == end || *at != ',') return false;
  do {
    ++at;
  } while (at != end && *at == ' ');
  const auto [rest, scale_error] = std::from_chars(at, end, scale);
  return scale_error == std::errc{} && rest + 1 == end && *rest == ')';
}

bool ParseClock(std::string_view text, int64_t& seconds, int64_t& fraction_ns, int64_t& offset_seconds, bool& utc) {
  int64_t hour = 0, minute = 0, second = 0;
  seconds = fraction_ns = offset_seconds = 0;
  utc = false;
  if (!text.empty() && (text[0] == 'T' || text[0] == ' ')) {
    text.remove_prefix(1);
    if (!ConsumeNumber(text, 2, hour) || !Consume(text, ":") || !ConsumeNumber(text, 2, minute)) return false;
    if (Consume(text, ":")) {
      if (!ConsumeNumber(text, 2, second)) return false;
      if (Consume(text, ".")) {
        int digits = 0;
        for (; digits < 9 && !text.empty() && text[0] >= '0' && text[0] <= '9'; ++digits) {
          fraction_ns = 10 * fraction_ns + (text[0] - '0');
          text.remove_prefix(1);
        }
        if (digits == 0) return false;
        for (; digits < 9; ++digits) fraction_ns *= 10;
      }
    }
    if (hour > 23 || minute > 59 || second > 59) return false;
    seconds = 3600 * hour + 60 * minute + second;
  }
  if (text.empty()) return true;
  utc = true;
  if (Consume(text, "Z")) return text.empty();
  const int64_t sign = text[0] == '-' ? -1 : 1;
  if (!Consume(text, "+") && !Consume(text, "-")) return false;
  if (!ConsumeNumber(text, 2, hour)) return false;
  Consume(text, ":");
  if (!ConsumeNumber(text, 2, minute) || hour > 23 || minute > 59) return false;
  offset_seconds = sign * (3600 * hour + 60 * minute);
  return text.empty();
}

arrow::Status NoTimestamp(std::string_view text) {
  return data::OptionError(
      "'" + std::string(text) +
      "' is no timestamp. Write \"2024-01-31\" or \"2024-01-31T09:30:00.123456789Z\", with Z or an "
      "offset such as +01:00 for an instant; years 1678 to 2261.");
}

arrow::Status WrongLiteral(const arrow::DataType& type) {
  return data::OptionError("a literal of type " + TypeName(type) +
                           " cannot be written. Write a bool, a number, a string, a timestamp, a duration or a list of "
                           "these, and cast() it.");
}

}  // namespace

std::string TypeName(const arrow::DataType& type) {
  for (const auto& named : NamedTypes()) {
    if (named.type->Equals(type)) return std::string(named.name);
  }
  return type.ToString();
}

arrow::Result<TypePtr> ParseType(std::string_view name) {
  std::vector<std::string> names;
  for (const auto& named : NamedTypes()) {
    if (named.name == name) return named.type;
    names.emplace_back(named.name);
  }
  for (const auto& unit : NamedTypes()) {  // "timestamp[ns, tz=Europe/Zurich]"
    if (unit.type->id() != arrow::Type::TIMESTAMP || !name.ends_with(']')) continue;
    const std::string start = std::string(unit.name.substr(0, unit.name.size() - 1)) + ", tz=";
    if (!name.starts_with(start)) continue;
    const std::string zone(name.substr(start.size(), name.size() - start.size() - 1));
    if (!zone.empty()) return arrow::timestamp(static_cast<const arrow::TimestampType&>(*unit.type).unit(), zone);
  }
  int32_t precision = 0, scale = 0;
  std::string_view rest = name;
  if (Consume(rest, "decimal128(") && ConsumeDecimal(rest, precision, scale)) {
    if (auto type = arrow::Decimal128Type::Make(precision, scale); type.ok()) return type;
  }
  return data::OptionError("unknown type '" + std::string(name) + "'." + data::NearestNames(name, names) +
                           " Others are \"timestamp[ns, tz=UTC]\" and \"decimal128(10, 2)\".");
}

TypePtr UtcTimestampType() {
  static const TypePtr type = arrow::timestamp(arrow::TimeUnit::NANO, "UTC");
  return type;
}

ScalarPtr NullLiteral() { return std::make_shared<arrow::NullScalar>(); }

arrow::Result<ScalarPtr> ParseTimestamp(std::string_view text) {
  std::string_view rest = text;
  int64_t year = 0, month = 0, day = 0, seconds = 0, fraction_ns = 0, offset_seconds = 0;
  bool utc = false;
  if (!ConsumeNumber(rest, 4, year) || !Consume(rest, "-") || !ConsumeNumber(rest, 2, month) || !Consume(rest, "-") ||
      !ConsumeNumber(rest, 2, day) || !ParseClock(rest, seconds, fraction_ns, offset_seconds, utc)) {
    return NoTimestamp(text);
  }
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(year)),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok() || year < 1678 || year > 2261) return NoTimestamp(text);
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  const int64_t ns = (86'400 * days + seconds - offset_seconds) * 1'000'000'000 + fraction_ns;
  return std::make_shared<arrow::TimestampScalar>(ns,
                                                  utc ? UtcTimestampType() : arrow::timestamp(arrow::TimeUnit::NANO));
}

std::string FormatTimestamp(int64_t ns, bool utc) {
  constexpr int64_t kDayNs = 86'400'000'000'000;
  const int64_t days = ns / kDayNs - (ns % kDayNs < 0 ? 1 : 0);
  const int64_t of_day = ns - days * kDayNs;
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(days))};
  std::array<char, 64> text{};
  const int64_t seconds = of_day / 1'000'000'000, fraction = of_day % 1'000'000'000;
  std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(seconds / 3600), static_cast<int>(seconds / 60 % 60), static_cast<int>(seconds % 60));
  std::string result = text.data();
  if (fraction != 0) {
    std::snprintf(text.data(), text.size(), ".%09d", static_cast<int>(fraction));
    result += text.data();
    while (result.back() == '0') result.pop_back();
  }
  return utc ? result + "Z" : result;
}

arrow::Result<ScalarPtr> ParseSignedDuration(std::string_view text) {
  const bool negative = text.starts_with('-');
  const std::string_view digits = negative ? text.substr(1) : text;
  const auto first_other = digits.find_first_not_of('0');
  int64_t ns = 0;
  if (first_other != 0 && first_other != std::string_view::npos &&
      (digits[first_other] < '0' || digits[first_other] > '9')) {
    ARROW_RETURN_NOT_OK(kernels::ParseDuration("1" + std::string(digits.substr(first_other))));  // The unit.
  } else {
    ARROW_ASSIGN_OR_RAISE(ns, kernels::ParseDuration(digits));
  }
  return std::make_shared<arrow::DurationScalar>(negative ? -ns : ns, arrow::TimeUnit::NANO);
}

arrow::Result<ScalarPtr> NormalLiteral(const ScalarPtr& value) {
  const auto& type = *value->type;
  const auto as = [&](const TypePtr& target) -> arrow::Result<ScalarPtr> {
    if (type.Equals(*target)) return value;
    auto cast = arrow::compute::Cast(arrow::Datum(value), target);
    if (!cast.ok()) {
      return data::OptionError("the literal " + value->ToString() + " of type " + TypeName(type) + " does not fit " +
                               TypeName(*target) + ".");
    }
    return cast->scalar();
  };
  if (!value->is_valid) return NullLiteral();
  if (arrow::is_integer(type.id())) return as(arrow::int64());
  if (arrow::is_floating(type.id())) return as(arrow::float64());
  switch (type.id()) {
    case arrow::Type::BOOL:
      return value;
    case arrow::Type::STRING:
    case arrow::Type::LARGE_STRING:
    case arrow::Type::STRING_VIEW: {
      arrow::util::InitializeUTF8();
      const std::string_view text = static_cast<const arrow::BaseBinaryScalar&>(*value).view();
      if (!arrow::util::ValidateUTF8(text)) return data::OptionError("a string is no valid UTF-8.");
      return type.id() == arrow::Type::STRING ? value
                                              : ScalarPtr(std::make_shared<arrow::StringScalar>(std::string(text)));
    }
    case arrow::Type::DATE32:
    case arrow::Type::DATE64:
      return as(arrow::timestamp(arrow::TimeUnit::NANO));
    case arrow::Type::TIMESTAMP: {
      const bool utc = !static_cast<const arrow::TimestampType&>(type).timezone().empty();
      return as(utc ? UtcTimestampType() : arrow::timestamp(arrow::TimeUnit::NANO));
    }
    case arrow::Type::DURATION: {
      ARROW_ASSIGN_OR_RAISE(auto duration, as(arrow::duration(arrow::TimeUnit::NANO)));
      if (static_cast<const arrow::DurationScalar&>(*duration).value == std::numeric_limits<int64_t>::min()) {
        return data::OptionError("a duration must be above -2^63 ns.");
      }
      return duration;
    }
    case arrow::Type::DICTIONARY: {
      ARROW_ASSIGN_OR_RAISE(auto decoded, static_cast<const arrow::DictionaryScalar&>(*value).GetEncodedValue());
      return NormalLiteral(decoded);
    }
    case arrow::Type::LIST:
    case arrow::Type::LARGE_LIST:
    case arrow::Type::FIXED_SIZE_LIST: {
      std::vector<ScalarPtr> values;
      for (const auto& element : ValuesOf(*value)) {
        ARROW_ASSIGN_OR_RAISE(values.emplace_back(), NormalLiteral(element));
      }
      return ListLiteral(std::move(values));
    }
    default:
      return WrongLiteral(type);
  }
}

std::vector<ScalarPtr> ValuesOf(const arrow::Scalar& list) {
  const auto& array = *static_cast<const arrow::BaseListScalar&>(list).value;
  std::vector<ScalarPtr> values;
  for (int64_t at = 0; at < array.length(); ++at) values.push_back(array.GetScalar(at).ValueOrDie());
  return values;
}

arrow::Result<ScalarPtr> ListLiteral(std::vector<ScalarPtr> values) {
  TypePtr type = arrow::null();
  for (const auto& value : values) {
    if (value->type->id() == arrow::Type::NA || value->type->Equals(*type)) continue;
    const bool numbers = arrow::is_numeric(value->type->id()) && arrow::is_numeric(type->id());
    if (arrow::is_nested(value->type->id()) || (type->id() != arrow::Type::NA && !numbers)) {
      return data::OptionError("a list holds values of one type, found " + TypeName(*type) + " and " +
                               TypeName(*value->type) + ".");
    }
    type = numbers ? arrow::float64() : value->type;
  }
  ARROW_ASSIGN_OR_RAISE(auto builder, arrow::MakeBuilder(type));
  for (const auto& value : values) {
    if (!value->is_valid) {
      ARROW_RETURN_NOT_OK(builder->AppendNull());
    } else if (value->type->Equals(*type)) {
      ARROW_RETURN_NOT_OK(builder->AppendScalar(*value));
    } else {
      const arrow::DoubleScalar number(static_cast<double>(static_cast<const arrow::Int64Scalar&>(*value).value));
      ARROW_RETURN_NOT_OK(builder->AppendScalar(number));
    }
  }
  ARROW_ASSIGN_OR_RAISE(auto array, builder->Finish());
  return std::make_shared<arrow::ListScalar>(std::move(array));
}

std::string FormatDouble(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  std::string result(text.data(), end);
  return result.find_first_of(".e") == std::string::npos ? result + ".0" : result;
}

}  // namespace sabot::operators
