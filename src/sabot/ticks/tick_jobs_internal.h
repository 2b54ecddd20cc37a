// The parts of a conversion that run side by side.
#pragma once

#include <arrow/result.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sabot/connectors/workbook.h"
#include "sabot/ticks/convert_ticks.h"
#include "sabot/ticks/ordered_ticks.h"
#include "sabot/ticks/tick_inputs_internal.h"
#include "sabot/ticks/tick_sheets.h"

namespace sabot::ticks::internal {

// What all jobs of a conversion share. Any thread.
class Conversion {
 public:
  Conversion(std::string folder, const ConvertTicksOptions& options) : folder_(std::move(folder)), options_(options) {}

  const ConvertTicksOptions& options() const { return options_; }
  std::string PathOf(const std::string& security) const { return folder_ + "/" + TickFileName(security); }
  const std::string& folder() const { return folder_; }

  // A file is made by one job only. Error (kData): another one makes it.
  arrow::Status Claim(const std::string& path, const std::string& source);

  arrow::Status Reject(const std::string& where, const std::string& reason, std::string row);
  void CountRows(int64_t rows) { rows_ += rows; }
  int64_t rows() const { return rows_; }
  int64_t rejected() const { return rejected_; }
  void CountRejected(int64_t rows) { rejected_ += rows; }
  data::RejectLog& rejects() const { return *options_.rejects; }

 private:
  std::string folder_;
  const ConvertTicksOptions& options_;
  std::atomic<int64_t> rows_ = 0;
  std::atomic<int64_t> rejected_ = 0;
  std::mutex mutex_;
  std::map<std::string, std::string> claimed_;  // Paths, and what they are made from.
};

// Results of one job stand together, in the place of the job.
class TickJob {
 public:
  virtual ~TickJob() = default;
  // Before any job runs, in their order: what it makes for sure is claimed, so that it is always the first of two that
  // has it.
  virtual void Claim(Conversion&) {}
  virtual std::vector<ConvertedTicks> Run(Conversion& conversion) = 0;
  virtual double weight() const = 0;  // How long it takes, about, next to others: bytes.

  double done() const { return done_; }
  void set_done(double done) { done_ = done; }

 private:
  std::atomic<double> done_ = 0;
};

std::unique_ptr<TickJob> MakeSheetsJob(std::string path, std::shared_ptr<connectors::Workbook> workbook,
                                       SecuritySheets sheets, double weight);

// Files that go on one another; those of trades come before those of quotes. One file without symbols, or any number
// with them.
std::unique_ptr<TickJob> MakeFilesJob(std::vector<TickInput> inputs);

// A job that has failed before it began.
std::unique_ptr<TickJob> MakeFailedJob(std::string security, std::string source, arrow::Status status);
// A file that is a tick file already.
std::unique_ptr<TickJob> MakeReadyJob(std::string path, TickFileInfo info);

// The jobs of all that is named, in its order. `folder`: see ConvertTicks.
arrow::Result<std::vector<std::unique_ptr<TickJob>>> PlanTickJobs(const std::vector<std::string>& sources,
                                                                  const ConvertTicksOptions& options);

// What a conversion's result depends on beside the source's content.
std::string OptionsText(const ConvertTicksOptions& options, const std::string& market);

// The info of the tick file at `path`, if it is one with this digest.
std::optional<TickFileInfo> UpToDate(const std::string& path, const std::string& digest);

}  // namespace sabot::ticks::internal
