#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/util/key_value_metadata.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <functional>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "sabot/backtest/sweep_manifest_internal.h"
#include "sabot/backtest/sweep_parts_internal.h"
#include "sabot/data/errors.h"
#include "sabot/env/digest.h"
#include "sabot/env/fault_point.h"
#include "sabot/env/interrupt.h"
#include "sabot/ticks/tick_file.h"

namespace sabot::backtest::internal {
namespace {

constexpr char kFolder[] = "/sweep_parts";
constexpr char kEnding[] = ".arrow";
constexpr char kSweepKey[] = "sabot.sweep";

// Security, as files have it, and first set of "<security>-<set>.arrow".
std::optional<std::pair<std::string, int64_t>> PartNameOf(std::string_view name) {
  const std::size_t dash = name.rfind('-');
  if (dash == std::string_view::npos || !name.ends_with(kEnding)) return std::nullopt;
  int64_t first = 0;
  const char* const end = name.data() + name.size() - std::strlen(kEnding);
  const auto parsed = std::from_chars(name.data() + dash + 1, end, first);
  if (parsed.ec != std::errc() || parsed.ptr != end || first < 0) return std::nullopt;
  return std::pair(std::string(name.substr(0, dash)), first);
}

std::string FileNameOf(const std::string& security) {
  const std::string name = ticks::TickFileName(security);
  return name.substr(0, name.rfind('.'));
}

}  // namespace

SweepParts SweepParts::InMemory(const SweepPlan& plan) {
  SweepParts parts;
  parts.sets_ = plan.sets.size();
  parts.found_.resize(plan.securities.size());
  return parts;
}

arrow::Result<SweepParts> SweepParts::InFolder(const SweepPlan& plan, const std::string& folder, bool restart) {
  SweepParts parts = InMemory(plan);
  ARROW_ASSIGN_OR_RAISE(const auto where, env::StorageOf(folder));
  parts.storage_ = where.storage;
  parts.folder_ = where.path + kFolder;
  for (const auto& security : plan.securities) parts.names_.push_back(FileNameOf(security.security));
  ARROW_ASSIGN_OR_RAISE(const std::string manifest, SweepManifest(plan));
  ARROW_ASSIGN_OR_RAISE(parts.sweep_, env::DigestOf(manifest));
  ARROW_RETURN_NOT_OK(parts.storage_->CreateFolder(parts.folder_));
  const std::string path = where.path + "/" + kManifestFileName;
  if (restart) {
    ARROW_RETURN_NOT_OK(parts.storage_->Remove(path));
  } else {
    ARROW_RETURN_NOT_OK(CheckSameSweep(*parts.storage_, path, folder, manifest));
  }
  for (const char* name : {kSweepResultsFileName, kSweepSummaryFileName}) {  // They come when all parts are there.
    ARROW_RETURN_NOT_OK(parts.storage_->Remove(where.path + "/" + name));
  }
  ARROW_ASSIGN_OR_RAISE(const auto names, parts.storage_->List(parts.folder_));
  if (restart) {
    for (const auto& name : names) {
      if (name.ends_with(kEnding)) ARROW_RETURN_NOT_OK(parts.storage_->Remove(parts.folder_ + "/" + name));
    }
  }
  ARROW_ASSIGN_OR_RAISE(const auto file, parts.storage_->Create(path));
  ARROW_RETURN_NOT_OK(file->stream()->Write(manifest.data(), static_cast<int64_t>(manifest.size())));
  ARROW_RETURN_NOT_OK(file->Commit());
  if (!restart) ARROW_RETURN_NOT_OK(parts.FindParts(names));
  return parts;
}

arrow::Status SweepParts::FindParts(const std::vector<std::string>& names) {
  std::map<std::string, std::size_t, std::less<>> securities;
  for (std::size_t security = 0; security < names_.size(); ++security) securities.emplace(names_[security], security);
  std::set<std::pair<std::size_t, int64_t>> parts;  // In the order of their sets.
  for (const std::string& name : names) {
    const auto part = PartNameOf(name);
    if (!part) continue;
    const auto security = securities.find(part->first);
    if (security != securities.end()) parts.emplace(security->second, part->second);
  }
  for (const auto& [security, first] : parts) {
    ARROW_RETURN_NOT_OK(env::InterruptScope::Check());
    const auto part = ReadFile(security, first);
    if (!part.ok()) continue;
    auto& found = found_[security];
    const int64_t end = found.empty() ? 0 : found.rbegin()->first + found.rbegin()->second;
    const auto count = static_cast<int64_t>(part->rows.size());
    if (first >= end && first + count <= sets_) found.emplace(first, count);
  }
  return arrow::Status::OK();
}

std::vector<SetRange> SweepParts::Found(std::size_t security) const {
  std::vector<SetRange> ranges;
  for (const auto& [first, count] : found_[security]) ranges.push_back({first, count});
  return ranges;
}

std::vector<SetRange> SweepParts::Missing(std::size_t security, int64_t most) const {
  std::vector<SetRange> missing;
  int64_t next = 0;
  const auto add_until = [&](int64_t end) {
    for (; next < end; next += missing.back().count) missing.push_back({next, std::min(most, end - next)});
  };
  for (const auto& [first, count] : found_[security]) {
    add_until(first);
    next = first + count;
  }
  add_until(sets_);
  return missing;
}

std::string SweepParts::PathOf(std::size_t security, int64_t first_set) const {
  return folder_ + "/" + names_[security] + "-" + std::to_string(first_set) + kEnding;
}

std::string SweepParts::MarkOf(std::size_t security, int64_t first_set) const {
  return sweep_ + " " + names_[security] + " " + std::to_string(first_set);
}

arrow::Status SweepParts::Put(std::size_t security, SweepPart part, bool passing) {
  const int64_t first = part.first_set;
  found_[security].emplace(first, static_cast<int64_t>(part.rows.size()));
  if (storage_ == nullptr || passing) {
    held_.insert_or_assign({security, first}, std::move(part));
    return arrow::Status::OK();
  }
  ARROW_ASSIGN_OR_RAISE(const auto batch, part.ToBatch());
  ARROW_ASSIGN_OR_RAISE(const auto file, storage_->Create(PathOf(security, first)));
  const auto schema = batch->schema()->WithMetadata(arrow::key_value_metadata({kSweepKey}, {MarkOf(security, first)}));
  ARROW_ASSIGN_OR_RAISE(const auto writer, arrow::ipc::MakeFileWriter(file->stream(), schema));
  ARROW_RETURN_NOT_OK(writer->WriteRecordBatch(*batch));
  ARROW_RETURN_NOT_OK(writer->Close());
  ARROW_RETURN_NOT_OK(file->Commit());
  env::FaultPoint("part-file-renamed");
  return arrow::Status::OK();
}

arrow::Result<SweepPart> SweepParts::Get(std::size_t security, int64_t first_set) const {
  if (const auto found = held_.find({security, first_set}); found != held_.end()) return found->second;
  if (storage_ == nullptr) return arrow::Status::KeyError("no such part");
  return ReadFile(security, first_set);
}

arrow::Result<SweepPart> SweepParts::ReadFile(std::size_t security, int64_t first_set) const {
  const std::string path = PathOf(security, first_set);
  ARROW_ASSIGN_OR_RAISE(const auto file, storage_->OpenInput(path));
  ARROW_ASSIGN_OR_RAISE(const auto reader, arrow::ipc::RecordBatchFileReader::Open(file));
  const auto damaged = [&](const std::string& why) {
    return data::DataError("sweep: '" + path + "' " + why + ". Remove it, and run the sweep again.");
  };
  const auto metadata = reader->schema()->metadata();
  if (metadata == nullptr || metadata->Get(kSweepKey).ValueOr("") != MarkOf(security, first_set)) {
    return damaged("is of another sweep");
  }
  if (!reader->schema()->Equals(*SweepPart::Schema(), /*check_metadata=*/false) || reader->num_record_batches() != 1) {
    return damaged("is no part of a sweep");
  }
  ARROW_ASSIGN_OR_RAISE(const auto batch, reader->ReadRecordBatch(0));
  ARROW_RETURN_NOT_OK(batch->ValidateFull());
  if (batch->num_rows() == 0) return damaged("is empty");
  auto part = SweepPart::FromBatch(first_set, *batch);
  return part.ok() ? part : damaged(part.status().message());
}

}  // namespace sabot::backtest::internal
