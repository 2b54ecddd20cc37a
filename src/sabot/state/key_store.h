// Bytes by key, for state that is larger than memory: what stands behind the slots of an operator. One store belongs to
// one copy of one operator and is used by one thread at a time, but for the cursors it gave.
#pragma once

#include <arrow/result.h>
#include <arrow/status.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sabot::state {

// The entries of a store, in the order of their keys' bytes, as they were when it was made: what is written later is
// not seen. Read by one thread, which may be another one than the store's, also when the store is gone.
class KeyCursor {
 public:
  virtual ~KeyCursor() = default;
  // Goes to the first, then to the next entry. False: there are no more.
  virtual arrow::Result<bool> Next() = 0;
  // Of the entry it is at, until it goes on.
  virtual std::string_view key() const = 0;
  virtual std::string_view value() const = 0;
};

class KeyStore {
 public:
  virtual ~KeyStore() = default;

  virtual const std::string& name() const = 0;  // For messages: its folder.

  // Calls found(index, value) for those of `keys` that it has, in any order. Keys are sorted by their bytes, each once.
  // A value is valid during the call.
  virtual arrow::Status Get(std::span<const std::string_view> keys,
                            const std::function<void(std::size_t index, std::string_view value)>& found) = 0;

  struct Entry {
    std::string_view key;
    std::string_view value;
  };
  // Adds entries and replaces those of the same keys. Durable only once frozen.
  virtual arrow::Status Write(std::span<const Entry> entries) = 0;

  // The entries with begin <= key < end; no `end`: to the last one.
  virtual arrow::Result<std::unique_ptr<KeyCursor>> Read(std::string_view begin,
                                                         std::optional<std::string_view> end) = 0;

  // Leaves the store as it is now in a new folder: names of the files that it consists of. They never change
  // again, and those that an earlier call also left are the same file under the same name (a hard link where that is
  // possible). Error: the folder exists.
  struct File {
    std::string name;
    int64_t bytes = 0;
    bool kept = false;  // Later calls may name it again, with the same bytes.
  };
  virtual arrow::Result<std::vector<File>> Freeze(const std::string& folder) = 0;
};

}  // namespace sabot::state
