// The names in a store's folder.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sabot/checkpoint/manifest.h"

namespace sabot::checkpoint::internal {

enum class NameKind {
  kManifest,  // 3-17.json
  kFolder,    // 3-17
  kPartial,   // 3-17.json.<anything>.partial: a disk's manifest that was never committed.
};

struct Name {
  NameKind kind;
  CheckpointId id;
};

inline std::string ManifestName(const CheckpointId& id) { return id.ToString() + ".json"; }

// Nothing: a name that is none of ours.
inline std::optional<Name> NameOf(std::string_view text) {
  constexpr std::string_view kManifest = ".json", kPartial = ".partial";
  const std::size_t dot = text.find('.');
  Name name{NameKind::kFolder, {}};
  if (!ParseCheckpointId(text.substr(0, dot), name.id)) return std::nullopt;
  if (dot == std::string_view::npos) return name;
  const std::string_view suffix = text.substr(dot);
  const bool partial = suffix.starts_with(".json.") && suffix.ends_with(kPartial);
  if (suffix != kManifest && !partial) return std::nullopt;
  name.kind = partial ? NameKind::kPartial : NameKind::kManifest;
  return name;
}

}  // namespace sabot::checkpoint::internal
