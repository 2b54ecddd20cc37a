#include "sabot/backtest/session.h"

#include <array>
#include <charconv>

#include "sabot/backtest/tick.h"
#include "sabot/data/errors.h"

namespace sabot::backtest {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;

constexpr int64_t TimeOfDay(int64_t hours, int64_t minutes) { return (hours * 60 + minutes) * 60 * kSecondNs; }

// One row a market.
const std::array<Market, 2>& Markets() {
  static const std::array<Market, 2> markets{
      Market{.name = "continuous"},
      Market{
          .name = "adx",  // Abu Dhabi and Dubai: between the opening auction's silent period and the closing auction.
          .continuous = {{TimeOfDay(10, 5), TimeOfDay(14, 45)}},
          .flatten = TimeOfDay(14, 55)},
  };
  return markets;
}

}  // namespace

std::vector<std::string> MarketNames() {
  std::vector<std::string> names;
  for (const Market& market : Markets()) names.push_back(market.name);
  return names;
}

arrow::Result<Market> FindMarket(std::string_view name) {
  for (const Market& market : Markets()) {
    if (market.name == name) return market;
  }
  return data::OptionError("market '" + std::string(name) + "' is unknown." + data::NearestNames(name, MarketNames()) +
                           " An own one is an object with 'continuous' and 'flatten', or stands under MARKETS.");
}

arrow::Result<int64_t> ParseTimeOfDay(std::string_view text) {
  const auto wrong = [&] {
    return data::OptionError("'" + std::string(text) +
                             "' is no time of the day; expected HH:MM or HH:MM:SS, such as 10:05.");
  };
  if (text.size() != 5 && text.size() != 8) return wrong();
  std::array<int64_t, 3> parts{};
  for (std::size_t i = 0; i * 3 < text.size(); ++i) {
    const std::string_view digits = text.substr(i * 3, 2);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + 2, parts[i]);
    if (error != std::errc{} || end != digits.data() + 2 || digits[0] == '-') return wrong();
    if (i > 0 && text[i * 3 - 1] != ':') return wrong();
  }
  const int64_t time = (parts[0] * 3600 + parts[1] * 60 + parts[2]) * kSecondNs;
  if (parts[1] > 59 || parts[2] > 59 || time > kDayNs) return wrong();
  return time;
}

std::string TimeOfDayText(int64_t ns) {
  std::string text;
  for (const int64_t part : {ns / 3'600'000'000'000, ns / 60'000'000'000 % 60, ns / kSecondNs % 60}) {
    text += (text.empty() ? "" : ":") + std::string(part < 10 ? "0" : "") + std::to_string(part);
  }
  return text.ends_with(":00") ? text.substr(0, 5) : text;
}

std::string HoursText(const Market& market) {
  std::string text;
  for (const auto& [begin, end] : market.continuous) {
    text += (text.empty() ? "" : ", ") + TimeOfDayText(begin) + "-" + TimeOfDayText(end);
  }
  return text;
}

arrow::Status CheckMarket(const Market& market) {
  const std::string where = "market '" + market.name + "': ";
  int64_t end = 0;
  for (const Interval& interval : market.continuous) {
    if (interval.begin < end || interval.end <= interval.begin || interval.end > kDayNs) {
      return data::OptionError(where +
                               "the continuous intervals must lie in one day, in their order, without overlap, "
                               "and end after they begin.");
    }
    end = interval.end;
  }
  if (market.flatten && !market.has_sessions()) {
    return data::OptionError(where +
                             "flatten is given without continuous intervals; a market that never closes has none.");
  }
  if (market.flatten && (*market.flatten < 0 || *market.flatten >= kDayNs)) {
    return data::OptionError(where + "flatten must be a time of the day.");
  }
  if (market.flatten && *market.flatten <= market.continuous.front().begin) {
    return data::OptionError(where + "flatten is " + TimeOfDayText(*market.flatten) +
                             "; expected a time after the first continuous interval begins, " +
                             TimeOfDayText(market.continuous.front().begin) +
                             ": from flatten on the strategy is done for the date.");
  }
  return arrow::Status::OK();
}

}  // namespace sabot::backtest
