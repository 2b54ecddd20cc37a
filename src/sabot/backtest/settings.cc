#include "sabot/backtest/settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace sabot::backtest {

const Settings::Value& Settings::At(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) std::abort();  // A strategy asks for its own parameters only.
  return found->second;
}

double Settings::number(std::string_view name) const { return std::get<double>(At(name)); }
bool Settings::flag(std::string_view name) const { return std::get<bool>(At(name)); }
const std::string& Settings::text(std::string_view name) const { return std::get<std::string>(At(name)); }
bool Settings::is_null(std::string_view name) const { return std::holds_alternative<std::monostate>(At(name)); }
std::optional<double> Settings::maybe(std::string_view name) const {
  if (is_null(name)) return std::nullopt;
  return number(name);
}

bool Parameter::Allows(const Settings::Value& value) const {
  if (std::holds_alternative<std::monostate>(value)) return nullable;
  switch (kind) {
    case Parameter::Kind::kFlag:
      return std::holds_alternative<bool>(value);
    case Parameter::Kind::kText: {
      const auto* text = std::get_if<std::string>(&value);
      if (text == nullptr || (form && !form->fits(*text))) return false;
      return values.empty() || std::find(values.begin(), values.end(), *text) != values.end();
    }
    case Parameter::Kind::kNumber:
    case Parameter::Kind::kInteger: {
      const auto* number = std::get_if<double>(&value);
      if (number == nullptr || !std::isfinite(*number)) return false;
      if (kind == Parameter::Kind::kInteger && *number != std::trunc(*number)) return false;
      return (least_open ? *number > least : *number >= least) && *number <= most;
    }
  }
  return false;
}

std::string Parameter::Allowed() const {
  std::string text;
  if (kind == Kind::kFlag) {
    text = "true or false";
  } else if (kind == Kind::kText) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      text += (i == 0 ? "" : i + 1 == values.size() ? " or " : ", ") + ("'" + values[i] + "'");
    }
    if (values.empty()) text = form ? form->words : "text";
  } else {
    text = kind == Kind::kInteger ? "an integer" : "a number";
    if (std::isfinite(least) && std::isfinite(most)) {
      text += (least_open ? " above " : " from ") + NumberText(least) + (least_open ? " up to " : " to ") +
              NumberText(most);
    } else if (std::isfinite(least)) {
      text += (least_open ? " above " : " of at least ") + NumberText(least);
    } else if (std::isfinite(most)) {
      text += " of at most " + NumberText(most);
    }
  }
  return nullable ? text + (kind == Kind::kFlag || values.size() > 1 ? ", or null" : " or null") : text;
}

std::string NumberText(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "infinity" : "-infinity";
  if (value == std::trunc(value) && std::abs(value) < 0x1p53) return std::to_string(static_cast<int64_t>(value));
  std::array<char, 32> digits{};
  const auto written = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  return {digits.data(), written.ptr};
}

}  // namespace sabot::backtest
