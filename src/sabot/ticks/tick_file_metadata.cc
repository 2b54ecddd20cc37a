// What a tick file says of itself.
#include <algorithm>
#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/ticks/tick_file_internal.h"

namespace sabot::ticks::internal {
namespace {

constexpr std::string_view kTicks = "sabot.ticks";
constexpr std::string_view kVersion = "1";
constexpr std::string_view kSourcePaths = "sabot.source_paths";

struct TextKey {
  std::string_view name;
  std::string TickFileInfo::* value;
};
constexpr TextKey kTexts[] = {{"sabot.security", &TickFileInfo::security},
                              {"sabot.source", &TickFileInfo::source},
                              {"sabot.source_digest", &TickFileInfo::source_digest},
                              {"sabot.market", &TickFileInfo::market}};

struct CountKey {
  std::string_view name;
  int64_t TickFileInfo::* value;
};
constexpr CountKey kCounts[] = {{"sabot.rows", &TickFileInfo::rows},
                                {"sabot.rejected", &TickFileInfo::rejected},
                                {"sabot.reordered", &TickFileInfo::reordered},
                                {"sabot.securities", &TickFileInfo::securities}};

}  // namespace

std::shared_ptr<const arrow::KeyValueMetadata> TickMetadata(const TickFileInfo& info) {
  auto metadata = std::make_shared<arrow::KeyValueMetadata>();
  metadata->Append(std::string(kTicks), std::string(kVersion));
  for (const auto& [name, value] : kTexts) {
    if (!(info.*value).empty()) metadata->Append(std::string(name), info.*value);
  }
  std::string paths;
  for (const std::string& path : info.source_paths) paths += (paths.empty() ? "" : "\n") + path;
  if (!paths.empty()) metadata->Append(std::string(kSourcePaths), paths);
  for (const auto& [name, value] : kCounts) metadata->Append(std::string(name), std::to_string(info.*value));
  return metadata;
}

arrow::Result<bool> ReadTickMetadata(const arrow::KeyValueMetadata* metadata, TickFileInfo* info) {
  if (metadata == nullptr || !metadata->Contains(kTicks)) return false;
  if (const auto version = metadata->Get(kTicks).ValueOr(""); version != kVersion) {
    return data::DataError("it is a tick file of version '" + version + "', and this Sabot reads version " +
                           std::string(kVersion) + ". Convert its source again.");
  }
  for (const auto& [name, value] : kTexts) info->*value = metadata->Get(name).ValueOr("");
  const std::string paths = metadata->Get(kSourcePaths).ValueOr("");
  for (std::size_t begin = 0; begin < paths.size();) {
    const std::size_t end = std::min(paths.find('\n', begin), paths.size());
    info->source_paths.push_back(paths.substr(begin, end - begin));
    begin = end + 1;
  }
  for (const auto& [name, value] : kCounts) {
    const std::string text = metadata->Get(name).ValueOr("");
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), info->*value);
    if (error == std::errc() && end == text.data() + text.size() && info->*value >= 0) continue;
    return data::DataError("its metadata '" + std::string(name) + "' is '" + text +
                           "', expected a number of rows. Convert its source again.");
  }
  return true;
}

}  // namespace sabot::ticks::internal
