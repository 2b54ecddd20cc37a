// Parameters that a configuration may set, and the values that a strategy gets of them.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace sabot::backtest {

// Values of all parameters of a strategy, checked and complete. A name or type that it does not have stops the process.
class Settings {
 public:
  using Value = std::variant<std::monostate, double, bool, std::string>;  // monostate: null, none.
  using Values = std::map<std::string, Value, std::less<>>;

  Settings() = default;
  explicit Settings(Values values) : values_(std::move(values)) {}

  double number(std::string_view name) const;
  std::optional<double> maybe(std::string_view name) const;  // None where it is null.
  bool flag(std::string_view name) const;
  const std::string& text(std::string_view name) const;
  bool is_null(std::string_view name) const;
  const Values& values() const { return values_; }

 private:
  const Value& At(std::string_view name) const;

  Values values_;
};

// A key that a configuration may have: of a strategy, or of the venue.
struct Parameter {
  enum class Kind : uint8_t { kNumber, kInteger, kFlag, kText };
  std::string name;
  Kind kind = Kind::kNumber;
  Settings::Value standard = {};
  bool nullable = false;
  double least =
      -std::numeric_limits<double>::infinity();  // Of a number, with whether it may be reached. It is finite.
  double most = std::numeric_limits<double>::infinity();
  bool least_open = false;
  std::vector<std::string> values = {};  // Of a text: those there are; empty: any of its form.
  struct Form {
    std::string words;  // "a time of the day".
    std::function<bool(const std::string&)> fits;
  };
  std::optional<Form> form = {};
  std::string doc = {};

  bool Allows(const Settings::Value& value) const;
  std::string Allowed() const;  // "a number above 0 or null", "'fifo' or 'risk_averse'".
};

// A whole number in full, another in the shortest form that reads back equal; "NaN", "infinity".
std::string NumberText(double value);

}  // namespace sabot::backtest
