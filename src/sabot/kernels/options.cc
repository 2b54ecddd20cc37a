#include "sabot/kernels/options.h"

#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "sabot/data/errors.h"

namespace sabot::kernels {
namespace {

struct DurationUnit {
  std::string_view name;
  int64_t ns;
};
constexpr std::array<DurationUnit, 7> kDurationUnits = {{{"ns", 1},
                                                         {"us", 1'000},
                                                         {"ms", 1'000'000},
                                                         {"s", 1'000'000'000},
                                                         {"m", 60'000'000'000},
                                                         {"h", 3'600'000'000'000},
                                                         {"d", 86'400'000'000'000}}};

std::string Shortest(double value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

}  // namespace

std::string Range::ToString() const {
  const bool below = std::isfinite(most), above = std::isfinite(least);
  if (below && above) {
    return std::string("in ") + (least_open ? "(" : "[") + Shortest(least) + ", " + Shortest(most) +
           (most_open ? ")" : "]");
  }
  if (above) return (least_open ? "> " : ">= ") + Shortest(least) + (most_open ? " and finite" : "");
  if (below) return (most_open ? "< " : "<= ") + Shortest(most) + (least_open ? " and finite" : "");
  return least_open && most_open ? "finite" : "";
}

arrow::Result<int64_t> ParseDuration(std::string_view text) {
  int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const auto& known : kDurationUnits) {
    if (error != std::errc{} || count <= 0 || unit != known.name) continue;
    if (count > std::numeric_limits<int64_t>::max() / known.ns) break;
    return count * known.ns;
  }
  return data::OptionError("'" + std::string(text) +
                           "' is no duration. Write a positive integer and one of ns, us, ms, s, m, h, d, such as "
                           "\"500ms\" or \"5s\" (below 2^63 ns).");
}

std::string FormatDuration(int64_t ns) {
  for (auto unit = kDurationUnits.rbegin(); unit != kDurationUnits.rend(); ++unit) {
    if (ns % unit->ns == 0) return std::to_string(ns / unit->ns) + std::string(unit->name);
  }
  return std::to_string(ns) + "ns";
}

std::string ToString(const OptionValue& value) {
  struct Printer {
    std::string operator()(std::monostate) const { return "None"; }
    std::string operator()(bool flag) const { return flag ? "True" : "False"; }
    std::string operator()(int64_t number) const { return std::to_string(number); }
    std::string operator()(double number) const { return Shortest(number); }
    std::string operator()(const std::string& text) const { return "'" + text + "'"; }
  };
  return std::visit(Printer{}, value);
}

std::string OptionsToJson(const OptionMap& options) {
  auto json = nlohmann::ordered_json::object();
  for (const auto& [name, value] : options) {
    std::visit(
        [&, &name = name](const auto& held) {
          if constexpr (std::is_same_v<std::decay_t<decltype(held)>, std::monostate>) {
            json[name] = nullptr;
          } else if constexpr (std::is_same_v<std::decay_t<decltype(held)>, double>) {
            json[name] = std::isfinite(held) ? nlohmann::ordered_json(held)
                                             : nlohmann::ordered_json(std::isnan(held) ? "nan"
                                                                      : held > 0       ? "inf"
                                                                                       : "-inf");
          } else {
            json[name] = held;
          }
        },
        value);
  }
  return json.dump();
}

arrow::Result<OptionMap> OptionsFromJson(std::string_view text) {
  const auto json = nlohmann::ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return data::OptionError("options are no JSON object: " + std::string(text));
  OptionMap options;
  for (const auto& [name, value] : json.items()) {
    if (value.is_null()) {
      options.emplace_back(name, std::monostate{});
    } else if (value.is_boolean()) {
      options.emplace_back(name, value.get<bool>());
    } else if (value.is_number_unsigned() &&
               value.get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
      return data::OptionError("option '" + name + "' must be below 2^63: " + value.dump());
    } else if (value.is_number_integer()) {
      options.emplace_back(name, value.get<int64_t>());
    } else if (value.is_number()) {
      options.emplace_back(name, value.get<double>());
    } else if (value.is_string()) {
      options.emplace_back(name, value.get<std::string>());
    } else {
      return data::OptionError("option '" + name +
                               "' is neither a number, a string, true, false nor null: " + value.dump());
    }
  }
  return options;
}

namespace internal {

arrow::Status WrongType(std::string_view kernel, std::string_view option, std::string_view wanted,
                        const OptionValue& found) {
  return data::OptionError(std::string(kernel) + ": option '" + std::string(option) + "' must be " +
                           std::string(wanted) + ", found " + ToString(found) + ".");
}

arrow::Status OutOfRange(std::string_view kernel, std::string_view option, const Range& range,
                         const OptionValue& found) {
  const auto text = range.ToString();
  return data::OptionError(std::string(kernel) + ": option '" + std::string(option) + "' must be " +
                           (text.empty() ? "a number" : text) + ", found " + ToString(found) + ".");
}

arrow::Status BadDuration(std::string_view kernel, std::string_view option, const arrow::Status& cause) {
  return data::OptionError(std::string(kernel) + ": option '" + std::string(option) + "': " + cause.message());
}

arrow::Status NotGiven(std::string_view kernel, std::string_view option, std::string_view doc) {
  return data::OptionError(std::string(kernel) + ": option '" + std::string(option) + "' must be given. " +
                           std::string(doc));
}

arrow::Status UnknownOption(std::string_view kernel, std::string_view option, std::span<const std::string> known) {
  return data::OptionError(std::string(kernel) + ": unknown option '" + std::string(option) + "'." +
                           (known.empty() ? std::string(" It takes none.") : data::NearestNames(option, known)));
}

arrow::Status UnknownChoice(std::string_view kernel, std::string_view option, std::span<const std::string_view> choices,
                            const OptionValue& found) {
  std::string list;
  for (const auto choice : choices) list += (list.empty() ? "'" : " or '") + std::string(choice) + "'";
  return data::OptionError(std::string(kernel) + ": option '" + std::string(option) + "' must be " + list + ", found " +
                           ToString(found) + ".");
}

}  // namespace internal
}  // namespace sabot::kernels
