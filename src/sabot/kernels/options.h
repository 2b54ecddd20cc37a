// Options of a kernel: a plain struct for C++, and beside it one table (kOptions) that gives each member its name, its
// range and its documentation. From the table follow parsing, checking, printing and the Python signature.
#pragma once

#include <arrow/result.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace sabot::kernels {

// An option as it arrives from Python, JSON or a snapshot; monostate is "not given".
using OptionValue = std::variant<std::monostate, bool, int64_t, double, std::string>;
using OptionMap = std::vector<std::pair<std::string, OptionValue>>;

// Which numbers an option may be. An open bound is itself not allowed. NaN never is.
struct Range {
  double least = -std::numeric_limits<double>::infinity();
  double most = std::numeric_limits<double>::infinity();
  bool least_open = false;
  bool most_open = false;

  constexpr bool Contains(double value) const {
    return (least_open ? value > least : value >= least) && (most_open ? value < most : value <= most);
  }
  std::string ToString() const;  // "in (0, 1]", ">= 1 and finite", "finite", "" for any.
};

constexpr Range Finite() { return {.least_open = true, .most_open = true}; }
constexpr Range AtLeast(double least) { return {.least = least, .most_open = true}; }
constexpr Range Above(double least) { return {.least = least, .least_open = true, .most_open = true}; }
constexpr Range Between(double least, double most) { return {.least = least, .most = most}; }
constexpr Range AboveUpTo(double least, double most) { return {.least = least, .most = most, .least_open = true}; }

// Windows and lags: rings are allocated for every symbol, so their length is bounded.
inline constexpr double kRowsMost = 1 << 24;
constexpr Range Rows(double least = 1) { return Between(least, kRowsMost); }

// One row of a kOptions table. An enum member lists the names of its enumerators, which count from 0, in `choices`.
template <class Options, class Member>
struct Option {
  std::string_view name;
  Member Options::* member;
  std::string_view doc;
  Range range = {};
  std::span<const std::string_view> choices = {};
  bool required = false;  // It has no default: an optional member that must be given.
};

template <class Options, class Member>
constexpr Option<Options, std::optional<Member>> Required(std::string_view name,
                                                          std::optional<Member> Options::* member,
                                                          std::string_view doc) {
  return {name, member, doc, {}, {}, /*required=*/true};
}

// A value of a key column, as text; an integer without leading zeros.
struct Symbol {
  std::string text;
  friend bool operator==(const Symbol&, const Symbol&) = default;
};

// A half-life, in rows or in time.
struct HalfLife {
  double rows = 0;  // > 0 and finite, or 0 where `ns` counts.
  int64_t ns = 0;
  friend bool operator==(const HalfLife&, const HalfLife&) = default;
};

// How far back a rolling kernel looks: so many of the symbol's rows, or so long.
struct Window {
  int64_t rows = 0;  // Where `ns` is 0.
  int64_t ns = 0;

  constexpr Window(int64_t window_rows = 0) : rows(window_rows) {}  // NOLINT(google-explicit-constructor)
  static constexpr Window Time(int64_t ns) {
    Window window;
    window.ns = ns;
    return window;
  }
  constexpr bool timed() const { return ns > 0; }
  friend bool operator==(const Window&, const Window&) = default;
};

// "500ms", "5s", "1h": a positive integer and ns, us, ms, s, m, h or d, below 2^63 ns. Error (kOption) otherwise.
arrow::Result<int64_t> ParseDuration(std::string_view text);
std::string FormatDuration(int64_t ns);  // In the largest unit that divides it.

// One line of help: what an option is called, takes and means.
struct OptionInfo {
  std::string name;
  std::string type;  // "int", "float", "bool", "str", "float | str"; "... | None" where it may be left out.
  OptionValue default_value;
  std::string doc;
  std::string range;  // "" for any.
  bool required = false;
};

// A flat JSON object and back; doubles keep every bit.
std::string OptionsToJson(const OptionMap& options);
arrow::Result<OptionMap> OptionsFromJson(std::string_view json);

std::string ToString(const OptionValue& value);

namespace internal {

arrow::Status WrongType(std::string_view kernel, std::string_view option, std::string_view wanted,
                        const OptionValue& found);
arrow::Status OutOfRange(std::string_view kernel, std::string_view option, const Range& range,
                         const OptionValue& found);
arrow::Status BadDuration(std::string_view kernel, std::string_view option, const arrow::Status& cause);
arrow::Status NotGiven(std::string_view kernel, std::string_view option, std::string_view doc);
arrow::Status UnknownOption(std::string_view kernel, std::string_view option, std::span<const std::string> known);
arrow::Status UnknownChoice(std::string_view kernel, std::string_view option, std::span<const std::string_view> choices,
                            const OptionValue& found);

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

template <class T>
std::string TypeName() {
  if constexpr (IsOptional<T>::value) return TypeName<typename T::value_type>() + " | None";
  if constexpr (std::is_same_v<T, bool>) return "bool";
  if constexpr (std::is_same_v<T, int64_t>) return "int";
  if constexpr (std::is_same_v<T, double>) return "float";
  if constexpr (std::is_same_v<T, HalfLife>) return "float | str";
  if constexpr (std::is_same_v<T, Symbol>) return "str | int";
  if constexpr (std::is_same_v<T, Window>) return "int | str";
  if constexpr (std::is_enum_v<T>) return "str";
}

template <class T>
OptionValue ToValue(const T& member, std::span<const std::string_view> choices) {
  if constexpr (IsOptional<T>::value) {
    return member ? ToValue(*member, choices) : OptionValue{};
  } else if constexpr (std::is_enum_v<T>) {
    return std::string(choices[static_cast<std::size_t>(member)]);
  } else if constexpr (std::is_same_v<T, HalfLife>) {
    return member.ns > 0 ? OptionValue{FormatDuration(member.ns)} : OptionValue{member.rows};
  } else if constexpr (std::is_same_v<T, Symbol>) {
    return member.text;
  } else if constexpr (std::is_same_v<T, Window>) {
    return member.timed() ? OptionValue{FormatDuration(member.ns)} : OptionValue{member.rows};
  } else {
    return member;
  }
}

template <class T>
arrow::Status CheckRange(std::string_view kernel, std::string_view name, const Range& range, const T& member) {
  if constexpr (IsOptional<T>::value) {
    return member ? CheckRange(kernel, name, range, *member) : arrow::Status::OK();
  } else if constexpr (std::is_same_v<T, double> || std::is_same_v<T, int64_t>) {
    return range.Contains(static_cast<double>(member)) ? arrow::Status::OK() : OutOfRange(kernel, name, range, member);
  } else if constexpr (std::is_same_v<T, HalfLife>) {
    if (member.ns > 0 && member.rows == 0) return arrow::Status::OK();
    return member.ns == 0 && range.Contains(member.rows) ? arrow::Status::OK()
                                                         : OutOfRange(kernel, name, range, member.rows);
  } else if constexpr (std::is_same_v<T, Window>) {
    return member.timed() ? arrow::Status::OK() : CheckRange(kernel, name, range, member.rows);
  } else {
    return arrow::Status::OK();
  }
}

template <class T>
arrow::Status FromValue(std::string_view kernel, std::string_view name, std::span<const std::string_view> choices,
                        const OptionValue& value, T& member) {
  if constexpr (IsOptional<T>::value) {
    if (std::holds_alternative<std::monostate>(value)) {
      member.reset();
      return arrow::Status::OK();
    }
    typename T::value_type inner{};
    ARROW_RETURN_NOT_OK(FromValue(kernel, name, choices, value, inner));
    member = inner;
    return arrow::Status::OK();
  } else if constexpr (std::is_same_v<T, double>) {
    if (const auto* number = std::get_if<double>(&value)) return member = *number, arrow::Status::OK();
    if (const auto* number = std::get_if<int64_t>(&value))
      return member = static_cast<double>(*number), arrow::Status::OK();
    if (const auto* text = std::get_if<std::string>(&value); text != nullptr && (*text == "inf" || *text == "-inf")) {
      // As OptionsToJson writes them.
      return member = (*text == "inf" ? 1 : -1) * std::numeric_limits<double>::infinity(), arrow::Status::OK();
    }
    return WrongType(kernel, name, "a number", value);
  } else if constexpr (std::is_same_v<T, int64_t>) {
    if (const auto* number = std::get_if<int64_t>(&value)) return member = *number, arrow::Status::OK();
    return WrongType(kernel, name, "an integer", value);
  } else if constexpr (std::is_same_v<T, bool>) {
    if (const auto* flag = std::get_if<bool>(&value)) return member = *flag, arrow::Status::OK();
    return WrongType(kernel, name, "true or false", value);
  } else if constexpr (std::is_same_v<T, HalfLife> || std::is_same_v<T, Window>) {
    if (const auto* text = std::get_if<std::string>(&value)) {
      const auto duration = ParseDuration(*text);
      if (!duration.ok()) return BadDuration(kernel, name, duration.status());
      return member.ns = *duration, arrow::Status::OK();
    }
    return FromValue(kernel, name, choices, value, member.rows);
  } else if constexpr (std::is_same_v<T, Symbol>) {
    if (const auto* text = std::get_if<std::string>(&value)) return member.text = *text, arrow::Status::OK();
    if (const auto* number = std::get_if<int64_t>(&value)) {
      return member.text = std::to_string(*number), arrow::Status::OK();
    }
    return WrongType(kernel, name, "a symbol (a string or an integer)", value);
  } else {
    static_assert(std::is_enum_v<T>);
    const auto* text = std::get_if<std::string>(&value);
    if (text == nullptr) return WrongType(kernel, name, "a string", value);
    const auto choice = std::find(choices.begin(), choices.end(), *text);
    if (choice == choices.end()) return UnknownChoice(kernel, name, choices, value);
    member = static_cast<T>(choice - choices.begin());
    return arrow::Status::OK();
  }
}

}  // namespace internal

// Checks every member against its range, and that it was given where it must be. Error (kOption): names kernel, option,
// value and range.
template <class Options>
arrow::Status CheckOptions(std::string_view kernel, const Options& options) {
  arrow::Status status;
  const auto check = [&](const auto& option) {
    if (!status.ok()) return;
    const auto& member = options.*option.member;
    if constexpr (internal::IsOptional<std::remove_cvref_t<decltype(member)>>::value) {
      if (option.required && !member) {
        status = internal::NotGiven(kernel, option.name, option.doc);
        return;
      }
    }
    status = internal::CheckRange(kernel, option.name, option.range, member);
  };
  std::apply([&](const auto&... option) { (check(option), ...); }, Options::kOptions);
  return status;
}

// Options from named values; those not named keep their defaults. Errors (kOption): an unknown name (nearest names
// are shown), a wrong type, a value out of range.
template <class Options>
arrow::Result<Options> ParseOptions(std::string_view kernel, const OptionMap& values) {
  Options options;
  std::vector<std::string> known;
  std::apply([&](const auto&... option) { (known.emplace_back(option.name), ...); }, Options::kOptions);
  for (const auto& [name, value] : values) {
    if (std::find(known.begin(), known.end(), name) == known.end()) return internal::UnknownOption(kernel, name, known);
    arrow::Status status;
    std::apply(
        [&, &name = name, &value = value](const auto&... option) {
          ((option.name == name
                ? (status = internal::FromValue(kernel, option.name, option.choices, value, options.*option.member), 0)
                : 0),
           ...);
        },
        Options::kOptions);
    ARROW_RETURN_NOT_OK(status);
  }
  ARROW_RETURN_NOT_OK(CheckOptions(kernel, options));
  return options;
}

// All options with their values, in the table's order; those left out are left out.
template <class Options>
OptionMap OptionsToMap(const Options& options) {
  OptionMap map;
  const auto add = [&](const auto& option) {
    auto value = internal::ToValue(options.*option.member, option.choices);
    if (!std::holds_alternative<std::monostate>(value)) map.emplace_back(std::string(option.name), std::move(value));
  };
  std::apply([&](const auto&... option) { (add(option), ...); }, Options::kOptions);
  return map;
}

template <class Options>
std::vector<OptionInfo> DescribeOptions() {
  std::vector<OptionInfo> infos;
  const Options defaults;
  const auto add = [&](const auto& option) {
    using Member = std::remove_cvref_t<decltype(defaults.*option.member)>;
    std::string range = option.range.ToString();
    for (const auto choice : option.choices) range += (range.empty() ? "'" : " or '") + std::string(choice) + "'";
    std::string type = internal::TypeName<Member>();
    if (option.required) type.erase(type.rfind(" | None"));
    infos.push_back({std::string(option.name), std::move(type),
                     internal::ToValue(defaults.*option.member, option.choices), std::string(option.doc), range,
                     option.required});
  };
  std::apply([&](const auto&... option) { (add(option), ...); }, Options::kOptions);
  return infos;
}

// For kernels without options.
struct NoOptions {
  static constexpr std::tuple<> kOptions{};
};

}  // namespace sabot::kernels
