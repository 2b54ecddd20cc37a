#include "sabot/ticks/tick_columns.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "sabot/data/errors.h"

namespace sabot::ticks {
namespace {

struct Named {
  std::string_view name;
  int TickColumnPositions::* position;
};
constexpr Named kNames[] = {{"dates", &TickColumnPositions::time},
                            {"timestamp", &TickColumnPositions::time},
                            {"datetime", &TickColumnPositions::time},
                            {"exch_ts", &TickColumnPositions::time},
                            {"date", &TickColumnPositions::date},
                            {"time", &TickColumnPositions::clock},
                            {"local_ts", &TickColumnPositions::local_time},
                            {"local_timestamp", &TickColumnPositions::local_time},
                            {"type", &TickColumnPositions::type},
                            {"price", &TickColumnPositions::price},
                            {"size", &TickColumnPositions::volume},
                            {"volume", &TickColumnPositions::volume},
                            {"side", &TickColumnPositions::side},
                            {"aggressor", &TickColumnPositions::side},
                            {"symbol", &TickColumnPositions::symbol},
                            {"security", &TickColumnPositions::symbol},
                            {"bid_px", &TickColumnPositions::bid},
                            {"bid_price", &TickColumnPositions::bid},
                            {"bid", &TickColumnPositions::bid},
                            {"bid_sz", &TickColumnPositions::bid_size},
                            {"bid_size", &TickColumnPositions::bid_size},
                            {"ask_px", &TickColumnPositions::ask},
                            {"ask_price", &TickColumnPositions::ask},
                            {"ask", &TickColumnPositions::ask},
                            {"ask_sz", &TickColumnPositions::ask_size},
                            {"ask_size", &TickColumnPositions::ask_size}};
constexpr std::string_view kDepthNames[] = {"is_snapshot", "level"};

std::string Plain(std::string_view name) {
  std::string plain;
  for (const char letter : name) plain += letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter | 0x20) : letter;
  constexpr std::string_view kBlanks = " \t\r\n";
  plain.erase(0, std::min(plain.find_first_not_of(kBlanks), plain.size()));
  plain.erase(plain.find_last_not_of(kBlanks) + 1);
  return plain;
}

}  // namespace

arrow::Result<TickColumnPositions> FindTickColumns(std::span<const std::string> names) {
  TickColumnPositions found;
  for (std::size_t column = 0; column < names.size(); ++column) {
    const std::string plain = Plain(names[column]);
    found.is_depth |= std::ranges::find(kDepthNames, plain) != std::end(kDepthNames);
    const auto* const named = std::ranges::find(kNames, plain, &Named::name);
    if (named == std::end(kNames)) continue;
    int& position = found.*(named->position);
    if (position != kNoColumn) {
      return data::SchemaError("columns '" + names[static_cast<std::size_t>(position)] + "' and '" + names[column] +
                               "' are the same thing of a tick. Leave one of them out, or rename it.");
    }
    position = static_cast<int>(column);
  }
  if (found.time == kNoColumn && found.date == kNoColumn) found.time = std::exchange(found.clock, kNoColumn);
  if (found.time != kNoColumn) found.date = found.clock = kNoColumn;
  return found;
}

std::string ExplainMissing(const TickColumnPositions& found, std::span<const std::string> names) {
  std::string missing;
  const auto add = [&missing](bool is_there, std::string_view name) {
    if (!is_there) missing += (missing.empty() ? "no " : " and no ") + std::string(name);
  };
  add(found.has_time(), found.date != kNoColumn ? "Time beside Date" : "Dates");
  add(found.type != kNoColumn, "Type");
  add(found.price != kNoColumn, "Price");
  add(found.volume != kNoColumn, "Size");
  std::string listed;
  constexpr std::size_t kListedMax = 12;
  for (std::size_t column = 0; column < std::min(names.size(), kListedMax); ++column) {
    listed += (listed.empty() ? "'" : ", '") + names[column] + "'";
  }
  if (names.size() > kListedMax) listed += ", ...";
  if (listed.empty()) listed = "nothing";
  return "there is " + missing + " among " + listed +
         "; expected Dates (or Date and Time), Type, Price and Size (or Volume)";
}

}  // namespace sabot::ticks
