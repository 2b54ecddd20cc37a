// Names with *, ?, [a-z] and **.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sabot::connectors::internal {

bool IsGlob(std::string_view path);

// Whether folders and globs leave a file or a folder of this name out.
bool IsSkipped(std::string_view name);

struct Glob {
  std::string folder;              // What stands before the first wildcard; "" where it is the first thing.
  std::vector<std::string> parts;  // A name each, or "**".

  bool any_depth() const;
  // Whether the path below `folder` matches.
  bool Matches(std::string_view path) const;
};

Glob ParseGlob(std::string_view pattern);

std::vector<std::string> SplitPath(std::string_view path);

}  // namespace sabot::connectors::internal
