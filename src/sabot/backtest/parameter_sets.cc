#include "sabot/backtest/parameter_sets.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/kernels/math.h"

namespace sabot::backtest {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kWholeMax = 0x1p53;

std::string Text(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

arrow::Result<Json> Parse(std::string_view text, Json::value_t type, std::string_view expected) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) {
    return data::OptionError("sweep: the parameter sets are no JSON: '" + std::string(text.substr(0, 80)) + "'.");
  }
  if (json.type() != type || json.empty()) {
    return data::OptionError("sweep: found " + Text(json).substr(0, 80) + " where " + std::string(expected) +
                             " is expected.");
  }
  return json;
}

arrow::Result<ParameterValue> ValueOf(const std::string& name, const Json& json) {
  if (json.is_null()) return ParameterValue{};
  if (json.is_boolean()) return ParameterValue{json.get<bool>()};
  if (json.is_string()) return ParameterValue{json.get<std::string>()};
  if (json.is_number() && std::isfinite(json.get<double>())) return ParameterValue{json.get<double>()};
  return data::OptionError("sweep: parameter '" + name + "' has the value " + Text(json).substr(0, 80) +
                           "; a number, text, true, false or null is expected.");
}

Json JsonOf(const ParameterValue& value) {
  if (const auto* number = std::get_if<double>(&value)) return *number;
  if (const auto* flag = std::get_if<bool>(&value)) return *flag;
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  return nullptr;
}

arrow::Result<std::vector<ParameterValue>> ValuesOf(const std::string& name, const Json& json) {
  if (!json.is_array() || json.empty()) {
    return data::OptionError("sweep: parameter '" + name + "' has " + Text(json).substr(0, 80) +
                             " where a list of one or more values is expected.");
  }
  std::vector<ParameterValue> values;
  for (const auto& entry : json) {
    ARROW_ASSIGN_OR_RAISE(auto value, ValueOf(name, entry));
    if (std::find(values.begin(), values.end(), value) != values.end()) {
      return data::OptionError("sweep: parameter '" + name + "' has the value " + Text(entry) +
                               " twice: its sets would be the same. Leave one out.");
    }
    values.push_back(std::move(value));
  }
  return values;
}

arrow::Status CheckCount(double sets) {
  if (sets >= 1 && sets <= static_cast<double>(kSetsMax)) return arrow::Status::OK();
  return data::OptionError(
      (std::ostringstream() << "sweep: " << sets << " parameter sets; from 1 to " << kSetsMax << " are possible.")
          .str());
}

constexpr uint64_t kGolden = 0x9E3779B97F4A7C15;

constexpr uint64_t Mix(uint64_t word) {
  word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9;
  word = (word ^ (word >> 27)) * 0x94D049BB133111EB;
  return word ^ (word >> 31);
}

uint64_t Fnv1a(std::string_view text) {
  uint64_t hash = 0xCBF29CE484222325;
  for (const char byte : text) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001B3;
  return hash;
}

// Where the values of one parameter come from.
struct Range {
  enum class Kind : uint8_t { kUniform, kLogUniform, kInteger, kChoice };
  Kind kind = Kind::kChoice;
  double low = 0;
  double high = 0;
  std::vector<ParameterValue> values;

  ParameterValue At(double u) const {
    switch (kind) {
      case Kind::kUniform:
        return std::min(low + u * (high - low), high);
      case Kind::kLogUniform: {
        const double from = kernels::math::Log(low);
        return std::clamp(kernels::math::Exp(from + u * (kernels::math::Log(high) - from)), low, high);
      }
      case Kind::kInteger:
        return std::min(low + std::floor(u * (high - low + 1)), high);
      case Kind::kChoice:
        break;
    }
    return values[static_cast<std::size_t>(u * static_cast<double>(values.size()))];
  }
};

arrow::Result<Range> RangeOf(const std::string& name, const Json& json) {
  constexpr std::string_view kExpected =
      "{\"uniform\": [low, high]}, {\"log_uniform\": [low, high]}, {\"integer\": [low, high]} or {\"choice\": "
      "[values]}";
  const auto wrong = [&](const std::string& why) {
    return data::OptionError("sweep: parameter '" + name + "' has the range " + Text(json).substr(0, 80) + why + ".");
  };
  if (!json.is_object() || json.size() != 1) return wrong("; expected is " + std::string(kExpected));
  const auto& kind = json.begin().key();
  const Json& bounds = json.begin().value();
  Range range;
  if (kind == "choice") {
    ARROW_ASSIGN_OR_RAISE(range.values, ValuesOf(name, bounds));
    return range;
  }
  static const std::vector<std::string> kKinds = {"uniform", "log_uniform", "integer", "choice"};
  const auto found = std::find(kKinds.begin(), kKinds.end(), kind);
  if (found == kKinds.end()) return wrong(", which is no kind of range." + data::NearestNames(kind, kKinds));
  range.kind = static_cast<Range::Kind>(found - kKinds.begin());
  if (!bounds.is_array() || bounds.size() != 2 || !bounds[0].is_number() || !bounds[1].is_number()) {
    return wrong("; expected is " + std::string(kExpected));
  }
  range.low = bounds[0].get<double>();
  range.high = bounds[1].get<double>();
  if (!std::isfinite(range.low) || !std::isfinite(range.high) || !std::isfinite(range.high - range.low)) {
    return wrong("; both ends have to be finite");
  }
  if (range.low > range.high) return wrong(": its low end is above its high end");
  if (range.kind == Range::Kind::kLogUniform && range.low <= 0) return wrong("; a logarithm needs ends above 0");
  if (range.kind == Range::Kind::kInteger &&
      (range.low != std::floor(range.low) || range.high != std::floor(range.high) || range.low < -kWholeMax ||
       range.high > kWholeMax)) {
    return wrong("; both ends have to be whole numbers from -2^53 to 2^53");
  }
  return range;
}

}  // namespace

Settings::Values ParameterSets::Set(int64_t index) const {
  Settings::Values given;
  const auto& values = sets[static_cast<std::size_t>(index)];
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (values[i]) given.emplace(names[i], *values[i]);
  }
  return given;
}

std::string ParameterSets::ToJson() const {
  Json rows = Json::array();
  for (const auto& set : sets) {
    Json row = Json::array();
    for (const auto& value : set) row.push_back(value ? JsonOf(*value) : Json::object());
    rows.push_back(std::move(row));
  }
  return Text(Json::array({names, std::move(rows)}));
}

arrow::Result<ParameterSets> GridSets(std::string_view text) {
  ARROW_ASSIGN_OR_RAISE(const Json json, Parse(text, Json::value_t::object, "a grid {\"parameter\": [values]}"));
  ParameterSets grid;
  std::vector<std::vector<ParameterValue>> values;
  double count = 1;
  for (const auto& [name, list] : json.items()) {
    grid.names.push_back(name);
    ARROW_ASSIGN_OR_RAISE(values.emplace_back(), ValuesOf(name, list));
    count *= static_cast<double>(values.back().size());
  }
  ARROW_RETURN_NOT_OK(CheckCount(count));
  std::vector<std::size_t> at(values.size(), 0);
  for (int64_t set = 0; set < static_cast<int64_t>(count); ++set) {
    auto& row = grid.sets.emplace_back();
    for (std::size_t i = 0; i < values.size(); ++i) row.emplace_back(values[i][at[i]]);
    for (std::size_t i = values.size(); i-- > 0 && ++at[i] == values[i].size();) at[i] = 0;
  }
  return grid;
}

arrow::Result<ParameterSets> RandomSets(std::string_view text, int64_t samples, uint64_t seed) {
  ARROW_ASSIGN_OR_RAISE(const Json json, Parse(text, Json::value_t::object, "ranges {\"parameter\": range}"));
  ARROW_RETURN_NOT_OK(CheckCount(static_cast<double>(samples)));
  ParameterSets drawn;
  std::vector<Range> ranges;
  std::vector<uint64_t> streams;
  for (const auto& [name, range] : json.items()) {
    drawn.names.push_back(name);
    ARROW_ASSIGN_OR_RAISE(ranges.emplace_back(), RangeOf(name, range));
    streams.push_back(Mix(Mix(seed + kGolden) ^ Fnv1a(name)));
  }
  for (int64_t set = 0; set < samples; ++set) {
    auto& row = drawn.sets.emplace_back();
    for (std::size_t i = 0; i < ranges.size(); ++i) {
      const uint64_t word = Mix(streams[i] + (static_cast<uint64_t>(set) + 1) * kGolden);
      row.emplace_back(ranges[i].At(static_cast<double>(word >> 11) * 0x1p-53));
    }
  }
  return drawn;
}

arrow::Result<ParameterSets> ListSets(std::string_view text) {
  ARROW_ASSIGN_OR_RAISE(const Json json, Parse(text, Json::value_t::array, "a list of sets [{\"parameter\": value}]"));
  ARROW_RETURN_NOT_OK(CheckCount(static_cast<double>(json.size())));
  ParameterSets listed;
  std::map<std::string, std::size_t> index;
  for (const Json& set : json) {
    if (!set.is_object()) {
      return data::OptionError("sweep: set " + std::to_string(listed.size()) + " is " + Text(set).substr(0, 80) +
                               " where an object {\"parameter\": value} is expected.");
    }
    auto& row = listed.sets.emplace_back();
    for (const auto& [name, value] : set.items()) {
      const auto [at, is_new] = index.emplace(name, listed.names.size());
      if (is_new) listed.names.push_back(name);
      row.resize(listed.names.size());
      ARROW_ASSIGN_OR_RAISE(row[at->second], ValueOf(name, value));
    }
  }
  std::map<std::vector<std::optional<ParameterValue>>, std::size_t> seen;
  for (std::size_t set = 0; set < listed.sets.size(); ++set) {
    auto& row = listed.sets[set];
    row.resize(listed.names.size());
    if (const auto [same, is_new] = seen.emplace(row, set); !is_new) {
      return data::OptionError("sweep: set " + std::to_string(set) + " is the same as set " +
                               std::to_string(same->second) + ": " + Text(json[set]).substr(0, 80) +
                               ". Leave one out.");
    }
  }
  return listed;
}

}  // namespace sabot::backtest
