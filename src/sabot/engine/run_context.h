// What a run is given, and what it tells.
#pragma once

#include <arrow/status.h>
#include <arrow/table.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "sabot/data/reject_log.h"
#include "sabot/engine/morsel_runner.h"
#include "sabot/env/executor.h"
#include "sabot/env/interrupt.h"

namespace sabot::engine {

// What a run has done so far.
struct RunProgress {
  int64_t rows_read = 0;
  int64_t rows_written = 0;
  int64_t rows_rejected = 0;
  std::optional<double> done = std::nullopt;  // 0 to 1, where the sources know.
};

// What a run did.
struct RunSummary {
  int64_t rows_read = 0;
  int64_t rows_written = 0;
  int64_t rows_rejected = 0;
  // What operators had to say at the end, by their name: "data_quality".
  std::map<std::string, std::shared_ptr<arrow::Table>> reports = {};
  double seconds = 0;  // By the wall clock.
};

// Who runs a stream, who may stop it, and who hears of it. All of it must outlive the run.
struct RunContext {
  std::shared_ptr<env::Executor> executor = DefaultExecutor();
  std::shared_ptr<env::Interrupt> interrupt = std::make_shared<env::NoInterrupt>();
  std::shared_ptr<data::RejectLog> rejects = std::make_shared<data::CountingRejects>();
  // Called on the calling thread, at most ten times a second. An error stops the run.
  std::function<arrow::Status(const RunProgress&)> progress = nullptr;
};

}  // namespace sabot::engine
