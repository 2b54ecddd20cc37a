// What the clock decided in the runs of a job, beside its checkpoints: with it, the same rows come again. A decision is
// durable before anything that depends on it happens, so a run that goes on, or is repeated, needs to be told no more
// than what is here. Decisions that were made together are one file:
//   decisions/3-17.json    the 17th of attempt 3, written once, with a digest of itself
// Knows no clock and no thread; one thread at a time.
#pragma once

#include <arrow/result.h>
#include <arrow/status.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sabot/checkpoint/manifest.h"
#include "sabot/env/storage.h"

namespace sabot::checkpoint {

inline constexpr const char* kDecisionsFolder = "decisions";  // Below the folder of a store.

// A source partition without rows was waited for no more.
struct Decision {
  std::string source;  // Its uid.
  int partition = 0;
  int64_t offset = 0;  // Of the next row, which had not come.
  int64_t time = 0;  // It promised to give nothing at or before this, ns.

  bool operator==(const Decision&) const = default;
};

// Whether a checkpoint whose sources stand so does not have it: it is for a later row, or for the next one and of no
// time that the source had reached.
bool IsNeeded(const Decision& decision, const std::vector<SourceState>& sources);

// Who keeps decisions.
class Decisions {
 public:
  virtual ~Decisions() = default;
  // Those of all runs so far, in order.
  virtual std::vector<Decision> taken() const = 0;
  // They are durable when it returns; after an error they must not be acted on.
  virtual arrow::Status Append(const std::vector<Decision>& decisions) = 0;
};

// For one run, and for a run that is told what another one decided.
class DecisionsInMemory final : public Decisions {
 public:
  explicit DecisionsInMemory(std::vector<Decision> taken = {}) : taken_(std::move(taken)) {}
  std::vector<Decision> taken() const override { return taken_; }
  arrow::Status Append(const std::vector<Decision>& decisions) override {
    taken_.insert(taken_.end(), decisions.begin(), decisions.end());
    return arrow::Status::OK();
  }

 private:
  std::vector<Decision> taken_;
};

// A file of the log. Files of an attempt count from 1, without gaps.
using LogPosition = CheckpointId;

class DecisionLog final : public Decisions {
 public:
  struct Entry {
    LogPosition at;
    std::vector<Decision> decisions;

    bool operator==(const Entry&) const = default;
  };

  // All files from `from` on, in order; {}: from the first one. Errors (kData): one is missing, torn or foreign; other
  // errors are those of the storage.
  static arrow::Result<std::vector<Entry>> Read(env::Storage& storage, const std::string& folder,
                                                const LogPosition& from = {});
  // One more than the highest attempt that left anything here.
  static arrow::Result<int64_t> NextAttempt(env::Storage& storage, const std::string& folder);

  // Reads them, and goes on as an attempt. Error (kData): that one, or a later one, has written here already.
  static arrow::Result<std::unique_ptr<DecisionLog>> Open(std::shared_ptr<env::Storage> storage, std::string folder,
                                                          int64_t attempt, const LogPosition& from = {});

  std::vector<Decision> taken() const override;
  // One file. None, of no decisions. Errors (kData): what Read would not take back; a file of this name is there.
  arrow::Status Append(const std::vector<Decision>& decisions) override;

  // The first file that a checkpoint needs whose sources stand so, to be kept in its manifest, and read from; if none
  // is needed, the next one to be written.
  LogPosition FirstNeeded(const std::vector<SourceState>& sources) const;
  // Removes the files before, the oldest first, so that a crash in between leaves no gap.
  arrow::Status Trim(const LogPosition& first);

 private:
  DecisionLog(std::shared_ptr<env::Storage> storage, std::string folder, int64_t attempt, std::vector<Entry> entries)
      : storage_(std::move(storage)), folder_(std::move(folder)), next_{attempt, 1}, entries_(std::move(entries)) {}

  std::shared_ptr<env::Storage> storage_;
  std::string folder_;
  LogPosition next_;
  std::vector<Entry> entries_;
};

}  // namespace sabot::checkpoint
