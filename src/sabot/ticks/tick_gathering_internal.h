// Which tick files a conversion makes, and of what: it brings together what several inputs have of one security.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "sabot/ticks/tick_jobs_internal.h"

namespace sabot::ticks::internal {

class TickRuns;

// Three rounds, with Decide after the first: Look at every job, Read those that must be, Join what is left. The calls
// of one round may come from any threads, each number once.
class Gathering {
 public:
  Gathering(Conversion& conversion, TickPlan plan);

  std::vector<std::size_t> jobs() const;
  void Look(std::size_t job);
  // What is up to date, and what must not be replaced, is known then.
  void Decide();
  const std::vector<std::size_t>& to_read() const { return to_read_; }
  void Read(std::size_t job);
  std::size_t to_join();
  void Join(std::size_t target) { Join(*joined_[target]); }

  const TickJob& job(std::size_t job) const { return *planned_[job].job; }
  double done() const;  // Of 1, by the weight of jobs.
  // In the order of the inputs; those of one job by their paths. Error: Cancelled.
  arrow::Result<std::vector<ConvertedTicks>> Results();

 private:
  // A tick file to be.
  struct Target {
    std::vector<std::size_t> jobs;          // That are known to have its ticks, in order.
    std::map<std::size_t, TickPart> parts;  // By job, as they are read.
    std::optional<std::size_t> first_job = std::nullopt;  // Where its result stands.
    ConvertedTicks result;
    bool done = false;  // Up to date, written, or failed.
  };
  struct JobState {
    std::string digest;
    arrow::Status status;
    std::vector<ConvertedTicks> results;  // Of no target: files with symbols that are up to date, and what failed.
  };

  void Expect(std::size_t job);
  bool FindUpToDate(std::size_t job);
  void LeaveOutCopies(Target& target) const;
  void DecideOn(Target& target);
  // The result of a tick file that nothing is joined with.
  static void StandForItself(const TickJob& job, ConvertedTicks* result);
  arrow::Status CheckTickFiles(const Target& target) const;
  void Take(std::size_t job, TickPart part, std::size_t securities);
  void Join(Target& target);
  arrow::Status Write(Target& target);
  arrow::Status WriteJoined(Target& target);
  arrow::Status CheckNoneIsAnother(const Target& target, const TickRuns& runs) const;
  // What a file of these jobs' ticks says of its source.
  arrow::Status Describe(const std::vector<std::size_t>& jobs, TickFileInfo* info) const;
  arrow::Status ClosePart(const Target& target, std::size_t job, TickPart& part) const;
  void Fail(std::size_t job, const std::string& security, arrow::Status status);

  Conversion& conversion_;
  std::vector<PlannedJob> planned_;
  std::vector<JobState> states_;
  std::vector<std::size_t> to_read_;
  bool reads_symbols_ = false;  // Then any security may get another part until all are read.
  std::mutex mutex_;
  std::map<std::string, Target> targets_;  // By path. Those that are there stay where they are.
  std::vector<Target*> joined_;
};

}  // namespace sabot::ticks::internal
