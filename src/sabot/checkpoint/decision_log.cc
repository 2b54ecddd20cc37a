// A file of the log, version 1. Every member is there:
//   {"version": 1, "attempt": 3, "number": 17,
//    "decisions": [{"source": "ticks", "partition": 0, "offset": 4096, "time": 1700000000000000000}],
//    "sha256": "..."}
// The last is the digest of all before it, written without spaces.
#include "sabot/checkpoint/decision_log.h"

#include <arrow/buffer.h>
#include <arrow/util/io_util.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <optional>

#include "sabot/checkpoint/store_names_internal.h"
#include "sabot/data/errors.h"
#include "sabot/env/digest.h"
#include "sabot/graph/json_text.h"

namespace sabot::checkpoint {
namespace {

using graph::Json;
using graph::ObjectReader;

constexpr int kVersion = 1;
constexpr int64_t kFileBytesMax = int64_t{16} << 20;

bool IsMissing(const arrow::Status& status) { return arrow::internal::ErrnoFromStatus(status) == ENOENT; }

std::string PathOf(const std::string& folder, const LogPosition& at) {
  return folder + "/" + internal::ManifestName(at);
}

std::string WhatIs(const std::string& path) { return "decision log '" + path + "'"; }

// What can be done about a file that cannot be used.
arrow::Status Damaged(const std::string& message) {
  return data::DataError(message +
                         " Bring the file back. If the process died while it wrote it, nothing depends on it yet, and "
                         "it may be removed.");
}

arrow::Status Check(const std::vector<Decision>& decisions, const std::string& what) {
  for (std::size_t i = 0; i < decisions.size(); ++i) {
    const Decision& one = decisions[i];
    const auto wrong = [&](const char* member, const std::string& found, const std::string& expected) {
      return data::DataError(what + ": $.decisions[" + std::to_string(i) + "]." + member + ": found " + found +
                             ", expected " + expected + ".");
    };
    if (one.source.empty()) return wrong("source", "empty text", "a name");
    if (one.partition < 0) return wrong("partition", std::to_string(one.partition), "at least 0");
    if (one.offset < 0) return wrong("offset", std::to_string(one.offset), "at least 0");
    if (one.time == std::numeric_limits<int64_t>::max()) {  // There is none behind it.
      return wrong("time", std::to_string(one.time), "at most " + std::to_string(one.time - 1));
    }
  }
  return arrow::Status::OK();
}

arrow::Result<std::string> ToJson(const DecisionLog::Entry& entry) {
  Json decisions = Json::array();
  for (const Decision& one : entry.decisions) {
    decisions.push_back(
        {{"source", one.source}, {"partition", one.partition}, {"offset", one.offset}, {"time", one.time}});
  }
  Json json = {{"version", kVersion},
               {"attempt", entry.at.attempt},
               {"number", entry.at.number},
               {"decisions", std::move(decisions)}};
  ARROW_ASSIGN_OR_RAISE(json["sha256"], env::DigestOf(graph::Dump(json)));
  return graph::Dump(json, 2) + "\n";
}

arrow::Result<DecisionLog::Entry> FromJson(std::string_view text, const std::string& what) {
  ARROW_ASSIGN_OR_RAISE(const Json json, graph::ParseJson(text, what));
  DecisionLog::Entry entry;
  int version = 0;
  std::string digest;
  ObjectReader reader(json, "$", what);
  reader.Read("version", version, true);
  if (json.is_object() && json.contains("version") && version != kVersion) {
    reader.Fail("$.version", "found " + json["version"].dump() + ", expected " + std::to_string(kVersion) +
                                 ". Use the Sabot that wrote it.");
  }
  reader.Read("attempt", entry.at.attempt, true);
  reader.Read("number", entry.at.number, true);
  const Json* const list = reader.Array("decisions", true);
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    ObjectReader member((*list)[i], "$.decisions[" + std::to_string(i) + "]", what);
    Decision& one = entry.decisions.emplace_back();
    member.Read("source", one.source, true);
    member.Read("partition", one.partition, true);
    member.Read("offset", one.offset, true);
    member.Read("time", one.time, true);
    reader.Keep(member.Finish());
  }
  reader.Read("sha256", digest, true);
  ARROW_RETURN_NOT_OK(reader.Finish());
  ARROW_RETURN_NOT_OK(Check(entry.decisions, what));
  Json digested = json;
  digested.erase("sha256");
  ARROW_ASSIGN_OR_RAISE(const std::string expected, env::DigestOf(graph::Dump(digested)));
  if (digest == expected) return entry;
  return data::DataError(what + ": $.sha256: found '" + digest + "', expected '" + expected +
                         "': the file was changed after it was written.");
}

arrow::Result<DecisionLog::Entry> ReadEntry(env::Storage& storage, const std::string& path, const LogPosition& at) {
  ARROW_ASSIGN_OR_RAISE(const auto input, storage.OpenInput(path));
  ARROW_ASSIGN_OR_RAISE(const int64_t bytes, input->GetSize());
  if (bytes > kFileBytesMax) {
    return Damaged(WhatIs(path) + ": size: found " + std::to_string(bytes) + ", expected at most " +
                   std::to_string(kFileBytesMax) + ".");
  }
  ARROW_ASSIGN_OR_RAISE(const auto text, input->ReadAt(0, bytes));
  auto entry = FromJson(text->ToString(), WhatIs(path));
  if (!entry.ok()) return data::KindOf(entry.status()) ? Damaged(entry.status().message()) : entry.status();
  if (entry->at == at) return entry;
  return Damaged(WhatIs(path) + ": attempt and number: found " + entry->at.ToString() + ", expected " + at.ToString() +
                 ".");
}

// Our names, sorted.
arrow::Result<std::vector<std::pair<LogPosition, std::string>>> ListNames(env::Storage& storage,
                                                                          const std::string& folder) {
  ARROW_ASSIGN_OR_RAISE(const auto names, storage.List(folder));
  std::vector<std::pair<LogPosition, std::string>> ours;
  for (const std::string& text : names) {
    const auto name = internal::NameOf(text);
    if (name && name->kind != internal::NameKind::kFolder) ours.emplace_back(name->id, text);
  }
  std::sort(ours.begin(), ours.end());
  return ours;
}

}  // namespace

bool IsNeeded(const Decision& decision, const std::vector<SourceState>& sources) {
  for (const SourceState& source : sources) {
    if (source.uid != decision.source || source.partition != decision.partition) continue;
    return decision.offset > source.offset || (decision.offset == source.offset && decision.time >= source.time);
  }
  return true;
}

arrow::Result<std::vector<DecisionLog::Entry>> DecisionLog::Read(env::Storage& storage, const std::string& folder,
                                                                 const LogPosition& from) {
  ARROW_ASSIGN_OR_RAISE(const auto names, ListNames(storage, folder));
  std::vector<Entry> entries;
  LogPosition before{.attempt = from.attempt, .number = from.number - 1};
  for (const auto& [at, name] : names) {
    if (at < from || name != internal::ManifestName(at)) continue;
    const bool follows = at.attempt == before.attempt ? at.number == before.number + 1 : at.number == 1;
    if (!follows) {
      const LogPosition lost{.attempt = at.attempt, .number = at.number - 1};
      return data::DataError(WhatIs(PathOf(folder, lost)) + " is missing, and '" + name +
                             "' is there. Bring the file back, or go on from a checkpoint that does not need it.");
    }
    ARROW_ASSIGN_OR_RAISE(auto entry, ReadEntry(storage, PathOf(folder, at), at));
    entries.push_back(std::move(entry));
    before = at;
  }
  return entries;
}

arrow::Result<int64_t> DecisionLog::NextAttempt(env::Storage& storage, const std::string& folder) {
  ARROW_ASSIGN_OR_RAISE(const auto names, ListNames(storage, folder));
  return names.empty() ? 1 : names.back().first.attempt + 1;
}

arrow::Result<std::unique_ptr<DecisionLog>> DecisionLog::Open(std::shared_ptr<env::Storage> storage, std::string folder,
                                                              int64_t attempt, const LogPosition& from) {
  ARROW_ASSIGN_OR_RAISE(const int64_t next, NextAttempt(*storage, folder));
  if (attempt < next) {
    return data::DataError("decision log: attempt " + std::to_string(attempt) + " cannot write in '" + folder +
                           "', where attempt " + std::to_string(next - 1) +
                           " has. Start the job again, as a new attempt.");
  }
  ARROW_ASSIGN_OR_RAISE(auto entries, Read(*storage, folder, from));
  return std::unique_ptr<DecisionLog>(
      new DecisionLog(std::move(storage), std::move(folder), attempt, std::move(entries)));
}

std::vector<Decision> DecisionLog::taken() const {
  std::vector<Decision> taken;
  for (const Entry& entry : entries_) taken.insert(taken.end(), entry.decisions.begin(), entry.decisions.end());
  return taken;
}

arrow::Status DecisionLog::Append(const std::vector<Decision>& decisions) {
  if (decisions.empty()) return arrow::Status::OK();
  const std::string path = PathOf(folder_, next_);
  ARROW_RETURN_NOT_OK(Check(decisions, WhatIs(path)));
  Entry entry{.at = next_, .decisions = decisions};
  ARROW_ASSIGN_OR_RAISE(const std::string text, ToJson(entry));
  if (const auto there = storage_->OpenInput(path); there.ok()) {
    return data::DataError(WhatIs(path) +
                           " is there already. Two processes write as one attempt; start the job again, "
                           "as a new attempt.");
  } else if (!IsMissing(there.status())) {
    return there.status();
  }
  if (next_.number == 1) ARROW_RETURN_NOT_OK(storage_->CreateFolder(folder_));
  ARROW_ASSIGN_OR_RAISE(const auto pending, storage_->Create(path));
  ARROW_RETURN_NOT_OK(pending->stream()->Write(text.data(), static_cast<int64_t>(text.size())));
  ARROW_RETURN_NOT_OK(pending->Commit());
  entries_.push_back(std::move(entry));
  ++next_.number;
  return arrow::Status::OK();
}

LogPosition DecisionLog::FirstNeeded(const std::vector<SourceState>& sources) const {
  for (const Entry& entry : entries_) {
    const auto needed = [&](const Decision& decision) { return IsNeeded(decision, sources); };
    if (std::any_of(entry.decisions.begin(), entry.decisions.end(), needed)) return entry.at;
  }
  return next_;
}

arrow::Status DecisionLog::Trim(const LogPosition& first) {
  ARROW_ASSIGN_OR_RAISE(const auto names, ListNames(*storage_, folder_));
  for (const auto& [at, name] : names) {
    const bool is_left = name != internal::ManifestName(at) && at.attempt < next_.attempt;  // By one that died.
    if (at < first || is_left) ARROW_RETURN_NOT_OK(storage_->Remove(folder_ + "/" + name));
  }
  std::erase_if(entries_, [&](const Entry& entry) { return entry.at < first; });
  return arrow::Status::OK();
}

}  // namespace sabot::checkpoint
