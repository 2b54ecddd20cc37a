// What a checkpoint consists of. A checkpoint is there when its manifest is: every file that it names was durable
// before. Data only; store.h writes and finds it.
#pragma once

#include <arrow/result.h>
#include <arrow/status.h>

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sabot/data/place.h"
#include "sabot/graph/job_graph.h"

namespace sabot::checkpoint {

// Attempts of a job count from 1, and so do the checkpoints of an attempt; the greatest is the newest.
struct CheckpointId {
  int64_t attempt = 0;
  int64_t number = 0;

  std::string ToString() const;  // "3-17"
  friend auto operator<=>(const CheckpointId&, const CheckpointId&) = default;
};

// A file, which may be of an earlier checkpoint.
struct StateFile {
  std::string name;    // Below the store's folder: "3-17/ewma.0.0.arrow".
  int64_t bytes = 0;
  std::string sha256;  // See digest.h.
  int64_t rows = 0;  // Of a table; 0 of other files.

  bool operator==(const StateFile&) const = default;
};

// What an operator's files are: Arrow tables, in the order that it gave them, or those of a store by key,
// "<uid>.<copy>.<name>", of which earlier checkpoints may have written some.
inline constexpr std::string_view kFormTables = "tables";
inline constexpr std::string_view kFormFiles = "files";

// Of one copy of an operator.
struct OperatorState {
  std::string uid;
  int copy = 0;
  std::string type;                 // As in the job graph: "kernel".
  std::vector<std::string> key_by;  // Empty: its state is not by key, and cannot be split.
  std::vector<StateFile> files = {};
  std::string form{kFormTables};

  bool operator==(const OperatorState&) const = default;
};

struct SourceState {
  std::string uid;
  int partition = 0;
  int64_t offset = 0;  // Of the next row.
  int64_t time = 0;    // The running maximum of event time, ns.
  bool ended = false;

  bool operator==(const SourceState&) const = default;
};

struct SinkState {
  std::string uid;
  int partition = 0;
  int64_t rows = 0;  // Given to it.
  int64_t rows_per_file = 0;  // Of its files; 0: it is one.
  int64_t durable = 0;  // Of these, so many are in files of rows that are complete.
  // The rows behind those, and maybe more on either side: the first row of the first file is number `files_begin`.
  int64_t files_begin = 0;
  std::vector<StateFile> files = {};

  bool operator==(const SinkState&) const = default;
};

struct Manifest {
  std::string job_id;
  CheckpointId id;
  std::string plan_digest;  // See PlanDigest.
  int key_groups = graph::kKeyGroupsDefault;
  data::Place cut;  // All rows before it are in the state, none from it on.
  std::vector<OperatorState> operators;
  std::vector<SourceState> sources;
  std::vector<SinkState> sinks;
  std::vector<std::string> ended;  // Operators all of whose copies had given their end.
  CheckpointId decisions = {};  // The first file of the decision log that is still needed; 0-0: the first there is.
  int64_t created_ms = 0;  // Since the epoch, by somebody's clock: for people only.

  // Nothing is out of range, no copy or partition stands twice, names lead to files of the store. Error (kData): where,
  // found, expected.
  arrow::Status Check() const;

  // JSON, version 1, with a digest of itself as the last member: a changed digit is noticed.
  arrow::Result<std::string> ToJson() const;
  // `file` is what messages call it. Errors (kData): not of this form, with its place such as $.sources[0].offset; what
  // Check() finds; another digest.
  static arrow::Result<Manifest> FromJson(std::string_view text, std::string_view file);

  bool operator==(const Manifest&) const = default;
};

// All files that a manifest names, in its order.
std::vector<StateFile> FilesOf(const Manifest& manifest);

// A digest of the job without its parallelism: state fits a job of the same one.
arrow::Result<std::string> PlanDigest(const graph::JobGraph& job);

// Whether a state file may have this name: letters, digits, '_', '-' and '.', not '.' first.
bool IsFileName(std::string_view name);

// "3-17" back; nothing else is read. Nothing: it is no such text.
bool ParseCheckpointId(std::string_view text, CheckpointId& id);

}  // namespace sabot::checkpoint
