// Where checkpoints are: a folder on a disk, in an object store, or simulated. State files lie in one folder a
// checkpoint, its manifest beside them:
//   3-17/fast.0.0.arrow    Arrow IPC, or bytes of any other kind; written once, durable before the manifest
//   3-17.json              the commit
// One process writes; any may read, also while it writes.
#pragma once

#include <arrow/io/interfaces.h>
#include <arrow/result.h>
#include <arrow/status.h>
#include <arrow/table.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sabot/checkpoint/manifest.h"
#include "sabot/env/storage.h"

namespace sabot::env {
class DigestStream;
}

namespace sabot::checkpoint {

class Store {
 public:
  Store(std::shared_ptr<env::Storage> storage, std::string folder)
      : storage_(std::move(storage)), folder_(std::move(folder)) {}

  // The file is durable when it returns; it belongs to no checkpoint yet. May be called from several threads for
  // several names. Errors: `name` has other characters than letters, digits, '_', '-' and '.' (kOption); the file is
  // there already (kData); those of the storage.
  arrow::Result<StateFile> Write(const CheckpointId& id, const std::string& name, arrow::RecordBatchReader& rows);
  arrow::Result<StateFile> Write(const CheckpointId& id, const std::string& name, const arrow::Table& table);
  // All tables of one copy of an operator, as <uid>.<copy>.<index>. `state.files` is filled.
  arrow::Status Write(const CheckpointId& id, OperatorState& state,
                      const std::vector<std::shared_ptr<arrow::Table>>& tables);
  // A file of another kind, byte for byte to its end, under its name as it is. Otherwise as above.
  arrow::Result<StateFile> WriteFile(const CheckpointId& id, const std::string& name, arrow::io::InputStream& bytes);
  // The checkpoint is there when it returns, and not before. Errors (kData): a file that the manifest names is missing
  // or of another size, the manifest cannot be read back (Manifest::Check), or one of this name is there.
  arrow::Status Commit(const Manifest& manifest);

  // The names of all manifests, newest first; what they hold was not looked at.
  arrow::Result<std::vector<CheckpointId>> List();
  // A checkpoint all of whose files are there with their digests. Errors (kData): which file is missing, torn or
  // foreign.
  arrow::Result<Manifest> Open(const CheckpointId& id);
  // The newest one that can be opened; nothing where no manifest is. `skipped` gets a message for each newer one that
  // cannot. Errors (kData): manifests are there, and none can be opened: never a fresh start in silence. Other errors
  // of the storage are errors, too: a network that fails is no reason to go back in time.
  arrow::Result<std::optional<Manifest>> Newest(std::vector<std::string>& skipped);
  // Errors (kData): it is missing, torn or foreign.
  arrow::Result<std::shared_ptr<arrow::Table>> Read(const StateFile& file);
  // The bytes of any file. The same errors; what `to` was given then is worth nothing.
  arrow::Status Fetch(const StateFile& file, arrow::io::OutputStream& to);

  // The checkpoint with all of its files, in a store that has none: files that belong to no checkpoint there are
  // written over. Errors: `to` has checkpoints (kOption); those of Open.
  arrow::Status CopyTo(const CheckpointId& id, Store& to);

  // One more than the highest attempt that left anything here.
  arrow::Result<int64_t> NextAttempt();

  // Keeps the newest `keep` >= 1 checkpoints whose files are there, with every file that they name, and what is newer
  // than the newest of them and may be in the making; leftovers of attempts before `attempt`, which have died, are in
  // the making no more. All else that has a name of ours goes. Where manifests are there and none can be kept, nothing
  // goes. A crash in between leaves what the next call finds. Goes on after an error, and returns the first.
  arrow::Status Sweep(int keep, int64_t attempt);

 private:
  enum class Look { kSize, kDigest };
  // Fills the stream; returns how many rows that are.
  using Fill = std::function<arrow::Result<int64_t>(const std::shared_ptr<env::DigestStream>& stream)>;

  std::string PathOf(const std::string& name) const { return folder_ + "/" + name; }
  arrow::Result<Manifest> OpenAs(const CheckpointId& id, Look look);
  arrow::Status CheckFile(const StateFile& file, Look look);
  arrow::Status CheckFree(const std::string& path);
  arrow::Result<StateFile> Create(const CheckpointId& id, const std::string& name, const char* suffix,
                                  const Fill& fill);
  arrow::Result<std::string> ReadText(const std::string& name);
  arrow::Status CopyFile(const StateFile& file, Store& to);

  std::shared_ptr<env::Storage> storage_;
  std::string folder_;
};

}  // namespace sabot::checkpoint
