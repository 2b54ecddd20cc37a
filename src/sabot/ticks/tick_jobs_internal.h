// The readings of a conversion, which run side by side.
#pragma once

#include <arrow/result.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sabot/connectors/workbook.h"
#include "sabot/ticks/conversion_internal.h"
#include "sabot/ticks/tick_inputs_internal.h"
#include "sabot/ticks/tick_sheets.h"

namespace sabot::ticks::internal {

// What a job has read of one security.
struct TickPart {
  std::string security = {};                      // As it is written.
  std::unique_ptr<OrderedTicks> ticks = nullptr;  // Not closed yet; or
  std::string file = {};                          // the tick file that holds them.
  int64_t rejected = 0;
  arrow::Status status = {};  // What is wrong with this security alone.
};

struct TickJobInfo {
  std::string security = {};  // Empty: those that a column names.
  std::string ticker = {};    // Of a sheet, in lower case: one security has one.
  std::string source = {};    // For messages: a.xlsx sheet 'A'
  std::vector<std::string> paths = {};  // Of the files that are read.
  std::string market = {};
  double weight = 0;  // How long it takes, about, next to others: bytes.
};

class TickJob {
 public:
  explicit TickJob(TickJobInfo info) : info_(std::move(info)) {}
  virtual ~TickJob() = default;

  const TickJobInfo& info() const { return info_; }
  bool has_symbols() const { return info_.security.empty(); }
  // Where the source is a tick file as it is: what that says of itself. Else null.
  virtual const TickFileInfo* tick_file() const { return nullptr; }

  // Of the content, and of the options that its ticks depend on.
  virtual arrow::Result<std::string> Digest(const ConvertTicksOptions& options) const = 0;
  // One part of the security; or any number, and rejected rows that name none as one without a name.
  virtual arrow::Result<std::vector<TickPart>> Read(Conversion& conversion) = 0;

  double done() const { return done_; }  // Of 1.
  void set_done(double done) { done_ = done; }

 private:
  TickJobInfo info_;
  std::atomic<double> done_ = 0;
};

std::unique_ptr<TickJob> MakeSheetsJob(const connectors::InputFile& file,
                                       std::shared_ptr<connectors::Workbook> workbook, SecuritySheets sheets,
                                       double weight, const ConvertTicksOptions& options);
// One file without symbols.
std::unique_ptr<TickJob> MakeFileJob(TickInput input, const ConvertTicksOptions& options);
// Files with symbols, which go on one another; those of trades come before those of quotes.
std::unique_ptr<TickJob> MakeSymbolsJob(std::vector<TickInput> inputs, const ConvertTicksOptions& options);
// A tick file.
std::unique_ptr<TickJob> MakeTickFileJob(TickInput input, TickFileInfo info);

// One job, or why there is none: a file that cannot be read at all, a sheet that belongs to nobody.
struct PlannedJob {
  std::unique_ptr<TickJob> job = nullptr;
  ConvertedTicks failed = {};
};

struct TickPlan {
  std::vector<PlannedJob> jobs;  // In the order of the inputs.
  std::set<std::string> inputs;  // All files but those that failed, as PathOfInput writes them.
};

// The jobs of all that is named. Errors: see ConvertTicks.
arrow::Result<TickPlan> PlanTickJobs(const std::vector<std::string>& sources, const ConvertTicksOptions& options);

}  // namespace sabot::ticks::internal
