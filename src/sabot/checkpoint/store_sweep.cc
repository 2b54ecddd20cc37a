// What a store no longer needs. Manifests go first: a checkpoint whose files went before it would be a broken one.
#include <algorithm>
#include <set>

#include "sabot/checkpoint/store.h"
#include "sabot/checkpoint/store_names_internal.h"
#include "sabot/data/errors.h"

namespace sabot::checkpoint {
namespace {

void KeepFirst(arrow::Status& first, const arrow::Status& status) {
  if (first.ok()) first = status;
}

}  // namespace

arrow::Status Store::Sweep(int keep, int64_t attempt) {
  if (keep < 1) {
    return data::OptionError("checkpoint: keep: found " + std::to_string(keep) + ", expected at least 1.");
  }
  ARROW_ASSIGN_OR_RAISE(const auto ids, List());
  std::set<CheckpointId> kept;
  std::set<std::string> named;
  for (const CheckpointId& id : ids) {
    if (static_cast<int>(kept.size()) == keep) break;
    const auto manifest = OpenAs(id, Look::kSize);
    if (!manifest.ok()) {
      if (data::KindOf(manifest.status()) != data::ErrorKind::kData) return manifest.status();
      continue;
    }
    kept.insert(id);
    for (const StateFile& file : FilesOf(*manifest)) named.insert(file.name);
  }
  if (kept.empty() && !ids.empty()) return arrow::Status::OK();
  const CheckpointId newest = kept.empty() ? CheckpointId{} : *kept.rbegin();

  // What a manifest that nobody could open names is not known, so all of its folder stays while it does.
  std::set<CheckpointId> unopened;
  arrow::Status first;
  for (const CheckpointId& id : ids) {
    if (kept.contains(id)) continue;
    if (id > newest) {
      unopened.insert(id);
    } else {
      KeepFirst(first, storage_->Remove(PathOf(internal::ManifestName(id))));
    }
  }
  if (!first.ok()) return first;  // A manifest that stays keeps its files.

  ARROW_ASSIGN_OR_RAISE(const auto names, storage_->List(folder_));
  for (const std::string& text : names) {
    const auto name = internal::NameOf(text);
    if (!name || name->kind == internal::NameKind::kManifest || unopened.contains(name->id)) continue;
    const bool in_the_making = name->id > newest && name->id.attempt >= attempt;
    if (in_the_making) continue;
    if (name->kind == internal::NameKind::kPartial) {
      KeepFirst(first, storage_->Remove(PathOf(text)));
      continue;
    }
    const auto files = storage_->List(PathOf(text));
    KeepFirst(first, files.status());
    if (!files.ok()) continue;
    bool empty = true;
    for (const std::string& file : *files) {
      if (named.contains(text + "/" + file)) {
        empty = false;
        continue;
      }
      const auto status = storage_->Remove(PathOf(text + "/" + file));
      empty = empty && status.ok();
      KeepFirst(first, status);
    }
    if (empty) KeepFirst(first, storage_->RemoveFolder(PathOf(text)));
  }
  return first;
}

}  // namespace sabot::checkpoint
