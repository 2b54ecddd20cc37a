// The ticks that a run finds.
#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include "sabot/backtest/run.h"
#include "sabot/data/errors.h"
#include "sabot/ticks/tick_file.h"
#include "sabot/ticks/tick_sources.h"

namespace sabot::backtest {
namespace {

using ticks::TickSource;
using Kind = TickSource::Kind;

SecurityTicks TicksOf(const TickSource& source) {
  SecurityTicks ticks{.security = source.info.security, .path = source.path, .rows = source.info.rows};
  if (source.kind == Kind::kBroken) ticks.error = source.why;
  if (ticks.security.empty()) ticks.security = std::filesystem::path(source.path).stem().string();
  return ticks;
}

// Whether each has results of its own as it is.
bool CanRun(const std::vector<TickSource>& sources) {
  std::set<std::string> results;
  return std::ranges::all_of(sources, [&](const TickSource& source) {
    return source.kind != Kind::kToConvert && results.insert(ticks::TickFileName(TicksOf(source).security)).second;
  });
}

}  // namespace

arrow::Result<FoundTicks> FindTicks(const std::vector<std::string>& paths) {
  ARROW_ASSIGN_OR_RAISE(auto sources, ticks::FindTickSources(paths));
  FoundTicks found;
  std::erase_if(sources, [&](const TickSource& source) {
    if (source.kind == Kind::kNoTicks) found.passed_over.push_back(source.why);
    return source.kind == Kind::kNoTicks;
  });
  if (sources.empty()) {
    std::string named;
    for (const std::string& path : paths) named += (named.empty() ? "'" : ", '") + path + "'";
    for (const std::string& why : found.passed_over) named += "; " + why;
    return data::DataError("backtest: there are no ticks in " + named +
                           ". Name workbooks, CSV or Parquet files of ticks, or a folder of them.");
  }
  const bool can_run = CanRun(sources);
  for (const TickSource& source : sources) {
    if (can_run) {
      found.ticks.push_back(TicksOf(source));
    } else {
      found.to_convert.push_back(source.path);
    }
  }
  std::ranges::sort(found.ticks, {}, &SecurityTicks::path);
  return found;
}

}  // namespace sabot::backtest
