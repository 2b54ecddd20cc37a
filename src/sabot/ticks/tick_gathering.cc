// Decides what is read.
#include <algorithm>
#include <filesystem>
#include <functional>
#include <iterator>
#include <set>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/ticks/tick_gathering_internal.h"
#include "sabot/ticks/tick_values.h"

namespace sabot::ticks::internal {

Gathering::Gathering(Conversion& conversion, TickPlan plan)
    : conversion_(conversion), planned_(std::move(plan.jobs)), states_(planned_.size()) {
  for (std::size_t job = 0; job < planned_.size(); ++job) {
    if (planned_[job].job == nullptr) {
      states_[job].results.push_back(std::move(planned_[job].failed));
    } else if (!planned_[job].job->has_symbols()) {
      Expect(job);
    }
  }
}

void Gathering::Expect(std::size_t job) {
  const TickJobInfo& info = this->job(job).info();
  Target& target = targets_[conversion_.PathOf(info.security)];
  if (!target.jobs.empty()) {
    const TickJobInfo& first = this->job(target.jobs.front()).info();
    if (LowerCase(first.security) != LowerCase(info.security)) {
      return Fail(job, info.security,
                  data::DataError(info.source + ": '" + conversion_.PathOf(info.security) + "' is made from " +
                                  first.source + " already. Give the security another name."));
    }
    for (const std::size_t other : target.jobs) {
      const TickJobInfo& known = this->job(other).info();
      if (known.ticker.empty() || info.ticker.empty() || known.ticker == info.ticker) continue;
      return Fail(job, info.security,
                  data::DataError(info.source + ": its security " + info.security + " is that of " + known.source +
                                  ", too. Rename one of the sheets, or convert it into a folder of its own."));
    }
  }
  if (target.jobs.empty()) target.first_job = job;
  target.jobs.push_back(job);
}

void Gathering::Fail(std::size_t job, const std::string& security, arrow::Status status) {
  ConvertedTicks failed;
  failed.security = security;
  failed.source = this->job(job).info().source;
  failed.status = std::move(status);
  const std::scoped_lock lock(mutex_);
  states_[job].results.push_back(std::move(failed));
}

std::vector<std::size_t> Gathering::jobs() const {
  std::vector<std::size_t> jobs;
  for (std::size_t job = 0; job < planned_.size(); ++job) {
    if (planned_[job].job != nullptr) jobs.push_back(job);
  }
  return jobs;
}

void Gathering::Look(std::size_t job) {
  states_[job].status = this->job(job).Digest(conversion_.options()).Value(&states_[job].digest);
}

void Gathering::Decide() {
  for (const std::size_t job : jobs()) {
    if (!this->job(job).has_symbols()) continue;
    if (!states_[job].status.ok()) {
      conversion_.Lose(this->job(job).info().paths);
      Fail(job, std::filesystem::path(this->job(job).info().paths.front()).stem().string(), states_[job].status);
    } else if (!FindUpToDate(job)) {
      reads_symbols_ = true;
    }
  }
  for (auto& [path, target] : targets_) DecideOn(target);
  for (const std::size_t job : jobs()) {
    JobState& state = states_[job];
    const auto needs = [job](const auto& target) {
      return !target.second.done && std::ranges::find(target.second.jobs, job) != target.second.jobs.end();
    };
    if (this->job(job).has_symbols() ? state.status.ok() && reads_symbols_ : std::ranges::any_of(targets_, needs)) {
      state.results.clear();  // Of files with symbols: what one of them adds to another must be read together.
      to_read_.push_back(job);
    } else {
      planned_[job].job->set_done(1);
    }
  }
}

// Whether all files that this source gives are in the folder, and none of them is to get more ticks.
bool Gathering::FindUpToDate(std::size_t job) {
  std::error_code error;
  std::set<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(conversion_.folder(), error)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".parquet") && name[0] != '.') paths.insert(conversion_.folder() + "/" + name);
  }
  std::vector<ConvertedTicks> results;
  for (const std::string& path : paths) {
    auto info = UpToDate(path, states_[job].digest);
    if (!info) continue;
    if (targets_.contains(path)) return false;
    ConvertedTicks result{.security = info->security, .source = info->source, .path = path, .skipped = true};
    result.info = std::move(*info);
    results.push_back(std::move(result));
  }
  if (results.empty() || static_cast<int64_t>(results.size()) != results.front().info.securities) return false;
  states_[job].results = std::move(results);
  return true;
}

// Of a tick file that was made from other inputs when these lay elsewhere, each tick would be there twice.
void Gathering::LeaveOutCopies(Target& target) const {
  std::vector<std::size_t> others;
  for (const std::size_t job : target.jobs) {
    if (this->job(job).tick_file() == nullptr) others.push_back(job);
  }
  std::set<std::string> digests;
  for (const std::size_t job : jobs()) {
    if (this->job(job).has_symbols()) digests.insert(states_[job].digest);
  }
  TickFileInfo info;
  if (!others.empty() && Describe(others, &info).ok()) digests.insert(info.source_digest);
  std::erase_if(target.jobs, [&](std::size_t job) {
    const TickFileInfo* const file = this->job(job).tick_file();
    return file != nullptr && !file->source_digest.empty() && digests.contains(file->source_digest);
  });
}

// A tick file whose source has the name of another input may hold the same ticks as that.
arrow::Status Gathering::CheckTickFiles(const Target& target) const {
  const auto name_of = [](const std::string& path) { return std::filesystem::path(path).filename(); };
  for (const std::size_t job : target.jobs) {
    const TickFileInfo* const file = this->job(job).tick_file();
    if (file == nullptr || target.jobs.size() == 1) continue;
    for (const std::string& source : file->source_paths) {
      for (const std::string& input : conversion_.inputs()) {
        if (source == input || name_of(source) != name_of(input)) continue;
        return data::DataError(
            "'" + this->job(job).info().paths.front() + "' was made from '" + source + "', and beside it '" + input +
            "' is read: they may hold the same ticks. Leave one of them out, or name '" + source + "' itself.");
      }
    }
  }
  return arrow::Status::OK();
}

void Gathering::DecideOn(Target& target) {
  LeaveOutCopies(target);
  if (target.jobs.empty()) return target.first_job.reset();
  const TickJob& first = this->job(target.jobs.front());
  const bool is_tick_file = target.jobs.size() == 1 && first.tick_file() != nullptr;
  ConvertedTicks& result = target.result;
  result.security = result.info.security = first.info().security;
  result.path = conversion_.PathOf(result.security);
  result.status = Describe(target.jobs, &result.info);
  result.source = result.info.source;
  if (result.status.ok()) result.status = CheckTickFiles(target);
  if (result.status.ok() && !reads_symbols_) {
    if (is_tick_file) {
      StandForItself(first, &result);
    } else if (auto found = UpToDate(result.path, result.info.source_digest)) {
      result.info = std::move(*found);
      result.skipped = true;
    }
  }
  if (result.status.ok() && !result.skipped && !is_tick_file) {
    result.status = conversion_.MayReplace(result.path, result.source);
  }
  target.done = result.skipped || !result.status.ok();
}

double Gathering::done() const {
  double all = 0;
  double done = 0;
  for (const std::size_t each : jobs()) {
    all += job(each).info().weight;
    done += job(each).info().weight * job(each).done();
  }
  return all > 0 ? std::min(1.0, done / all) : 1;
}

arrow::Result<std::vector<ConvertedTicks>> Gathering::Results() {
  std::map<std::size_t, std::vector<ConvertedTicks>> of_jobs;  // By the first job of each target.
  for (auto& [path, target] : targets_) {
    if (target.first_job) of_jobs[*target.first_job].push_back(std::move(target.result));
  }
  std::vector<ConvertedTicks> all;
  for (std::size_t job = 0; job < states_.size(); ++job) {
    auto& results = states_[job].results;
    std::ranges::move(of_jobs[job], std::back_inserter(results));
    for (ConvertedTicks& result : results) {
      if (result.status.IsCancelled()) return result.status;
      if (!result.status.ok()) result.path.clear();
      all.push_back(std::move(result));
    }
  }
  return all;
}

}  // namespace sabot::ticks::internal
