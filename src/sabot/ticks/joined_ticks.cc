// Brings together what was read of a security, and writes its file.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/env/digest.h"
#include "sabot/ticks/tick_gathering_internal.h"
#include "sabot/ticks/tick_runs_internal.h"
#include "sabot/ticks/tick_values.h"

namespace sabot::ticks::internal {
namespace {

constexpr int kMergedMost = 64;

}  // namespace

void Gathering::Read(std::size_t job) {
  auto parts = planned_[job].job->Read(conversion_);
  planned_[job].job->set_done(1);
  const TickJobInfo& info = this->job(job).info();
  if (parts.ok()) {
    const auto named = std::ranges::count_if(*parts, [](const TickPart& part) { return !part.security.empty(); });
    for (TickPart& part : *parts) Take(job, std::move(part), static_cast<std::size_t>(named));
  } else if (this->job(job).has_symbols()) {
    conversion_.Lose(info.paths);
    Fail(job, std::filesystem::path(info.paths.front()).stem().string(), parts.status());
  } else {
    Take(job, {.security = info.security, .status = parts.status()}, 1);
  }
}

void Gathering::Take(std::size_t job, TickPart part, std::size_t securities) {
  const TickJobInfo& info = this->job(job).info();
  if (part.security.empty()) {
    ConvertedTicks unknown;  // Rows that name no security.
    unknown.source = info.source;
    unknown.info.rejected = part.rejected;
    states_[job].results.push_back(std::move(unknown));
    return;
  }
  const std::string path = conversion_.PathOf(part.security);
  std::unique_lock lock(mutex_);
  const auto [place, is_new] = targets_.try_emplace(path);
  Target& target = place->second;
  target.first_job = std::min(target.first_job.value_or(job), job);
  if (is_new) {
    target.result.security = target.result.info.security = part.security;
    target.result.path = path;
  }
  if (LowerCase(target.result.security) != LowerCase(part.security) || target.parts.contains(job)) {
    lock.unlock();
    return Fail(job, part.security,
                data::DataError("'" + path + "' is made for " + target.result.security +
                                " already. Give one of the two securities another name."));
  }
  if (!info.security.empty() && part.status.ok() && (reads_symbols_ || target.jobs.size() > 1)) {
    lock.unlock();  // It waits for others, and not in memory.
    part.status = ClosePart(target, job, part);
    lock.lock();
  }
  target.result.info.securities = static_cast<int64_t>(securities);
  target.parts.emplace(job, std::move(part));
  const bool is_whole = !reads_symbols_ && target.parts.size() == target.jobs.size();
  lock.unlock();
  if (is_whole) Join(target);
}

std::size_t Gathering::to_join() {
  for (auto& [path, target] : targets_) {
    if (!target.done && !target.parts.empty()) joined_.push_back(&target);
  }
  return joined_.size();
}

void Gathering::Join(Target& target) {
  ConvertedTicks& result = target.result;
  for (const auto& [job, part] : target.parts) {
    if (result.status.ok()) result.status = part.status;
  }
  if (result.status.ok()) result.status = Write(target);
  target.parts.clear();
  target.done = true;
}

arrow::Status Gathering::Describe(const std::vector<std::size_t>& jobs, TickFileInfo* info) const {
  std::string digests;
  info->source.clear();
  info->source_paths.clear();
  for (const std::size_t job : jobs) {
    const TickJobInfo& from = this->job(job).info();
    ARROW_RETURN_NOT_OK(states_[job].status);
    info->source += (info->source.empty() ? "" : ", ") + from.source;
    for (const std::string& path : from.paths) {
      if (std::ranges::find(info->source_paths, path) == info->source_paths.end()) info->source_paths.push_back(path);
    }
    if (info->market.empty()) info->market = from.market;
    digests += states_[job].digest + ";";
  }
  if (jobs.size() == 1) return info->source_digest = states_[jobs.front()].digest, arrow::Status::OK();
  return env::DigestOf("joined;" + digests).Value(&info->source_digest);
}

void Gathering::StandForItself(const TickJob& job, ConvertedTicks* result) {
  result->path = job.info().paths.front();
  result->info = *job.tick_file();
  result->source = result->info.source;
  result->skipped = true;
}

arrow::Status Gathering::ClosePart(const Target& target, std::size_t job, TickPart& part) const {
  if (part.ticks == nullptr) return arrow::Status::OK();
  TickFileInfo info{.security = target.result.info.security, .rejected = part.rejected};
  ARROW_RETURN_NOT_OK(Describe({job}, &info));
  part.file = conversion_.sorting()->NewPath(".parquet");
  ARROW_RETURN_NOT_OK(part.ticks->CloseAs(part.file, std::move(info)));
  part.ticks.reset();
  return arrow::Status::OK();
}

arrow::Status Gathering::Write(Target& target) {
  ConvertedTicks& result = target.result;
  std::vector<std::size_t> jobs;
  for (const auto& [job, part] : target.parts) jobs.push_back(job);
  ARROW_RETURN_NOT_OK(Describe(jobs, &result.info));
  result.source = result.info.source;
  TickPart& only = target.parts.begin()->second;
  if (jobs.size() == 1 && job(jobs.front()).tick_file() != nullptr) {
    return StandForItself(job(jobs.front()), &result), arrow::Status::OK();
  }
  if (reads_symbols_) ARROW_RETURN_NOT_OK(conversion_.MayReplace(result.path, result.source));
  if (jobs.size() > 1) return WriteJoined(target);
  if (only.ticks != nullptr) {
    result.info.rejected = only.rejected;
    return only.ticks->CloseAs(result.path, result.info).Value(&result.info);
  }
  ARROW_ASSIGN_OR_RAISE(const auto look, LookAtTickFile(only.file));
  result.info = look.info;
  if (std::rename(only.file.c_str(), result.path.c_str()) == 0) return arrow::Status::OK();
  return arrow::Status::IOError("'", result.path, "' cannot be put in its place: ", std::strerror(errno), ".");
}

arrow::Status Gathering::WriteJoined(Target& target) {
  ConvertedTicks& result = target.result;
  ARROW_ASSIGN_OR_RAISE(const auto runs, TickRuns::Make(conversion_.sorting()));
  bool with_side = false;
  for (auto& [job, part] : target.parts) {
    ARROW_RETURN_NOT_OK(ClosePart(target, job, part));
    std::error_code error;
    if (std::filesystem::equivalent(part.file, result.path, error)) {
      return data::DataError("'" + result.path + "' would be joined with " + result.source +
                             ", of which it is one itself. Convert them into another folder.");
    }
    ARROW_ASSIGN_OR_RAISE(const auto reader, OpenTickFile(part.file));
    with_side |= reader->has_side();
    result.info.rejected += reader->info().rejected;
    result.info.reordered += reader->info().reordered;
    runs->AddFile(part.file);
  }
  result.info.securities = 1;
  ARROW_ASSIGN_OR_RAISE(const auto writer, OpenTickFileWriter(result.path, with_side));
  result.info.rows = 0;
  ARROW_RETURN_NOT_OK(runs->Merge(kMergedMost, [&](TickBuffer& ticks) {
    result.info.rows += ticks.rows();
    return writer->Write(ticks.Take(with_side));
  }));
  ARROW_RETURN_NOT_OK(CheckNoneIsAnother(target, *runs));
  return writer->Close(result.info);
}

// Each tick of two inputs that are copies of one another would count twice.
arrow::Status Gathering::CheckNoneIsAnother(const Target& target, const TickRuns& runs) const {
  const auto name_of = [this](std::size_t job) {
    const TickJobInfo& info = this->job(job).info();
    return info.paths.size() == 1 ? "'" + info.paths.front() + "'" : info.source;
  };
  std::size_t at = 0;
  for (auto part = target.parts.begin(); part != target.parts.end(); ++part, ++at) {
    const TickSum& sum = runs.sum_of_file(at);
    std::size_t before = 0;
    for (auto other = target.parts.begin(); other != part; ++other, ++before) {
      if (sum.rows == 0 || sum != runs.sum_of_file(before)) continue;
      return data::DataError(name_of(other->first) + " and " + name_of(part->first) + " hold the same " +
                             std::to_string(sum.rows) + " ticks of " + target.result.security +
                             ": joined, each would count twice. Leave one of them out.");
    }
  }
  return arrow::Status::OK();
}

}  // namespace sabot::ticks::internal
