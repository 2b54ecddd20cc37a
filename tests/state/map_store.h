// A KeyStore in memory, in the simplest way: what the real one is compared with. It leaves no files.
#pragma once

#include <arrow/status.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sabot/state/key_store.h"

namespace sabot::state {

class MapStore final : public KeyStore {
 public:
  const std::string& name() const override { return name_; }

  arrow::Status Get(std::span<const std::string_view> keys,
                    const std::function<void(std::size_t, std::string_view)>& found) override {
    for (std::size_t at = 0; at < keys.size(); ++at) {
      if (at > 0 && keys[at - 1] >= keys[at]) return arrow::Status::Invalid("keys are not sorted");
      const auto entry = entries_.find(keys[at]);
      if (entry != entries_.end()) found(at, entry->second);
    }
    keys_read += static_cast<int64_t>(keys.size());
    return arrow::Status::OK();
  }

  arrow::Status Write(std::span<const Entry> entries) override {
    for (const Entry& entry : entries) entries_.insert_or_assign(std::string(entry.key), std::string(entry.value));
    keys_written += static_cast<int64_t>(entries.size());
    return arrow::Status::OK();
  }

  arrow::Result<std::unique_ptr<KeyCursor>> Read(std::string_view begin, std::optional<std::string_view> end) override {
    auto cursor = std::make_unique<Cursor>();
    const auto last = end.has_value() ? entries_.lower_bound(*end) : entries_.end();
    for (auto at = entries_.lower_bound(begin); at != last; ++at) cursor->entries.push_back(*at);
    return cursor;
  }

  arrow::Result<std::vector<File>> Freeze(const std::string& /*folder*/) override {
    return arrow::Status::NotImplemented("a map has no files");
  }

  int64_t keys_read = 0;
  int64_t keys_written = 0;

 private:
  struct Cursor final : KeyCursor {
    arrow::Result<bool> Next() override { return static_cast<std::size_t>(++at) < entries.size(); }
    std::string_view key() const override { return entries[static_cast<std::size_t>(at)].first; }
    std::string_view value() const override { return entries[static_cast<std::size_t>(at)].second; }
    std::vector<std::pair<std::string, std::string>> entries;
    int64_t at = -1;
  };

  std::string name_ = "a map";
  std::map<std::string, std::string, std::less<>> entries_;
};

}  // namespace sabot::state
