// The tick files that a run finds in a folder.
#include <algorithm>
#include <filesystem>
#include <map>
#include <system_error>

#include "sabot/backtest/run.h"
#include "sabot/data/errors.h"
#include "sabot/ticks/tick_file.h"

namespace sabot::backtest {
namespace {

namespace fs = std::filesystem;

SecurityTicks LookAt(const fs::path& path) {
  SecurityTicks found{.security = path.stem().string(), .path = path.string()};
  const auto look = ticks::LookAtTickFile(found.path);
  if (!look.ok()) {
    found.error = look.status().message();
    return found;
  }
  found.rows = look->info.rows;
  found.foreign = !ticks::IsTickFile(found.path).ValueOr(true);  // What is wrong then is said by who reads it.
  if (!look->info.security.empty()) found.security = look->info.security;
  return found;
}

}  // namespace

arrow::Result<std::vector<SecurityTicks>> FindTicks(const std::string& path) {
  std::error_code error;
  std::vector<fs::path> paths;
  if (fs::is_directory(path, error)) {
    for (const auto& entry : fs::directory_iterator(path, error)) {
      const std::string name = entry.path().filename().string();
      if (entry.path().extension() == ".parquet" && !name.starts_with('.')) paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
  } else if (fs::exists(path, error)) {
    paths.emplace_back(path);
  }
  if (paths.empty()) {
    return data::DataError("backtest: there are no tick files (*.parquet) in '" + path +
                           "'. Name a folder of them, or a workbook, CSV or Parquet file of ticks.");
  }
  std::vector<SecurityTicks> found;
  std::map<std::string, std::string> taken;  // What files of results are called by, with the tick file.
  for (const auto& each : paths) {
    found.push_back(LookAt(each));
    const auto [other, is_new] = taken.emplace(ticks::TickFileName(found.back().security), found.back().path);
    if (!is_new) {
      return data::OptionError("backtest: '" + other->second + "' and '" + found.back().path + "' are both of " +
                               found.back().security + ". Leave one of them out.");
    }
  }
  return found;
}

}  // namespace sabot::backtest
