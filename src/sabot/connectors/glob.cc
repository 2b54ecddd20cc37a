#include <fnmatch.h>

#include <algorithm>
#include <cstddef>
#include <span>

#include "sabot/connectors/glob_internal.h"

namespace sabot::connectors::internal {
namespace {

constexpr std::string_view kAnyDepth = "**";

bool NameMatches(const std::string& part, const std::string& name) {
  if (IsSkipped(name) && part.front() != name.front() && !part.ends_with(".partial")) return false;
  return fnmatch(part.c_str(), name.c_str(), FNM_PERIOD | FNM_NOESCAPE) == 0;
}

bool PartsMatch(std::span<const std::string> parts, std::span<const std::string> names) {
  if (parts.empty()) return names.empty();
  if (parts.front() != kAnyDepth) {
    return !names.empty() && NameMatches(parts.front(), names.front()) &&
           PartsMatch(parts.subspan(1), names.subspan(1));
  }
  for (std::size_t skipped = 0; skipped <= names.size(); ++skipped) {
    if (skipped > 0 && IsSkipped(names[skipped - 1])) return false;
    if (PartsMatch(parts.subspan(1), names.subspan(skipped))) return true;
  }
  return false;
}

}  // namespace

bool IsGlob(std::string_view path) { return path.find_first_of("*?[") != std::string_view::npos; }

bool IsSkipped(std::string_view name) {
  return name.starts_with('.') || name.starts_with('_') || name.ends_with(".partial");
}

std::vector<std::string> SplitPath(std::string_view path) {
  std::vector<std::string> names;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    if (end > 0) names.emplace_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return names;
}

Glob ParseGlob(std::string_view pattern) {
  const std::size_t wildcard = pattern.find_first_of("*?[");
  const std::size_t slash = pattern.substr(0, wildcard).rfind('/');
  Glob glob;
  if (slash != std::string_view::npos) glob.folder = slash == 0 ? "/" : std::string(pattern.substr(0, slash));
  glob.parts = SplitPath(slash == std::string_view::npos ? pattern : pattern.substr(slash + 1));
  // "**" after "**" means nothing more, and would make matching slow.
  const auto same = [](const std::string& a, const std::string& b) { return a == kAnyDepth && b == kAnyDepth; };
  glob.parts.erase(std::unique(glob.parts.begin(), glob.parts.end(), same), glob.parts.end());
  if (!glob.parts.empty() && glob.parts.back() == kAnyDepth) glob.parts.emplace_back("*");
  return glob;
}

bool Glob::any_depth() const { return std::find(parts.begin(), parts.end(), kAnyDepth) != parts.end(); }

bool Glob::Matches(std::string_view path) const { return PartsMatch(parts, SplitPath(path)); }

}  // namespace sabot::connectors::internal
