#include "sabot/state/rocksdb_store.h"

#include <fcntl.h>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/state/key_columns.h"

namespace sabot::state {
namespace {

constexpr std::size_t kKeysAtOnce = 1024;  // Of a MultiGet: what it holds meanwhile stays in the second-level cache.

rocksdb::Slice SliceOf(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
std::string_view ViewOf(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

arrow::Status StatusOf(const rocksdb::Status& status, const std::string& folder, std::string_view what) {
  if (status.ok()) return arrow::Status::OK();
  const std::string message = "state '" + folder + "': " + std::string(what) + ": " + status.ToString();
  if (status.IsCorruption() || status.IsInvalidArgument()) {
    return data::DataError(message + ". The files are damaged or no state; restore an earlier checkpoint.");
  }
  return arrow::Status::IOError(message);
}

// Nothing is logged beside files that must not change.
class NoLog final : public rocksdb::Logger {
 public:
  NoLog() : rocksdb::Logger(rocksdb::InfoLogLevel::FATAL_LEVEL) {}
  using rocksdb::Logger::Logv;
  void Logv(const char* /*format*/, va_list /*arguments*/) override {}
};

rocksdb::Options OptionsOf(const RocksDbOptions& given) {
  rocksdb::Options options;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(static_cast<std::size_t>(given.block_cache_bytes));
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));  // Most keys that are asked for and new are nowhere.
  table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
  table.format_version = 5;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.compression = rocksdb::kNoCompression;  // Doubles, which hardly get smaller.
  options.write_buffer_size = static_cast<std::size_t>(given.write_buffer_bytes);
  options.max_write_buffer_number = 3;
  options.allow_concurrent_memtable_write = false;  // One thread writes.
  // What is written together is sorted: each entry's place is found from the one before, of the same key group.
  options.memtable_insert_with_hint_prefix_extractor.reset(rocksdb::NewFixedPrefixTransform(kGroupBytes));
  options.memtable_whole_key_filtering = true;  // Most keys that are asked for were not written lately.
  options.memtable_prefix_bloom_size_ratio = 0.1;
  options.level0_file_num_compaction_trigger = 8;
  options.max_background_jobs = 2;
  options.max_open_files = -1;
  options.avoid_unnecessary_blocking_io = true;
  return options;
}

arrow::Result<std::vector<KeyStore::File>> FilesIn(const std::string& folder) {
  std::vector<KeyStore::File> files;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const auto bytes = at->file_size(error);
    if (error) break;
    files.push_back({.name = at->path().filename().string(),
                     .bytes = static_cast<int64_t>(bytes),
                     .kept = at->path().extension() == ".sst"});
  }
  if (error) return arrow::Status::IOError("state '", folder, "': listing its files: ", error.message());
  std::sort(files.begin(), files.end(), [](const auto& left, const auto& right) { return left.name < right.name; });
  return files;
}

// RocksDB takes a manifest that is cut off for one that was not written to its end, and opens what it says so far. So a
// frozen folder lists its files and their sizes itself; the last line has the list's own name and how many there are.
constexpr std::string_view kListName = "FILES";

arrow::Status CheckList(const std::string& folder) {
  std::ifstream list(folder + "/" + std::string(kListName));
  std::string name;
  int64_t bytes = 0;
  int64_t listed = 0;
  bool whole = false;
  for (; list >> name >> bytes; ++listed) {
    whole = name == kListName && bytes == listed;
    if (whole) break;
    std::error_code error;
    const auto found = std::filesystem::file_size(folder + "/" + name, error);
    if (!error && static_cast<int64_t>(found) == bytes) continue;
    return data::DataError("state '" + folder + "': file '" + name + "' " +
                           (error ? "is missing" : "has " + std::to_string(found) + " bytes") + ", expected " +
                           std::to_string(bytes) + " bytes. Restore an earlier checkpoint.");
  }
  if (!whole) {
    return data::DataError("state '" + folder + "': it has no whole file " + std::string(kListName) +
                           ", so it is no folder of state, or a damaged one. Name one that a checkpoint wrote.");
  }
  return arrow::Status::OK();
}

arrow::Status MakeDurable(const std::string& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool durable = file >= 0 && fsync(file) == 0;
  const int error = errno;
  if (file >= 0) close(file);
  if (durable) return arrow::Status::OK();
  return arrow::Status::IOError("state '", path, "': ", std::generic_category().message(error));
}

class Cursor final : public KeyCursor {
 public:
  Cursor(std::shared_ptr<rocksdb::DB> db, std::string folder, std::string begin, std::optional<std::string_view> end)
      : db_(std::move(db)), folder_(std::move(folder)), begin_(std::move(begin)), end_(end.value_or("")) {
    rocksdb::ReadOptions options;
    options.fill_cache = false;
    options.readahead_size = std::size_t{1} << 20;
    if (end.has_value()) {
      upper_ = SliceOf(end_);
      options.iterate_upper_bound = &upper_;
    }
    iterator_.reset(db_->NewIterator(options));
  }

  arrow::Result<bool> Next() override {
    if (std::exchange(started_, true)) {
      iterator_->Next();
    } else {
      iterator_->Seek(SliceOf(begin_));
    }
    if (iterator_->Valid()) return true;
    ARROW_RETURN_NOT_OK(StatusOf(iterator_->status(), folder_, "reading"));
    return false;
  }
  std::string_view key() const override { return ViewOf(iterator_->key()); }
  std::string_view value() const override { return ViewOf(iterator_->value()); }

 private:
  std::shared_ptr<rocksdb::DB> db_;  // Outlives the iterator.
  std::string folder_;
  std::string begin_;
  std::string end_;
  rocksdb::Slice upper_;
  std::unique_ptr<rocksdb::Iterator> iterator_;
  bool started_ = false;
};

class RocksDbStore final : public KeyStore {
 public:
  RocksDbStore(rocksdb::DB* db, std::string folder) : db_(db), folder_(std::move(folder)) {
    write_options_.disableWAL = true;  // A checkpoint flushes; what came later is computed again.
  }

  const std::string& name() const override { return folder_; }

  arrow::Status Get(std::span<const std::string_view> keys,
                    const std::function<void(std::size_t, std::string_view)>& found) override {
    std::array<rocksdb::Slice, kKeysAtOnce> slices;
    values_.resize(kKeysAtOnce);
    statuses_.resize(kKeysAtOnce);
    for (std::size_t base = 0; base < keys.size(); base += kKeysAtOnce) {
      const std::size_t count = std::min(kKeysAtOnce, keys.size() - base);
      std::transform(keys.begin() + static_cast<std::ptrdiff_t>(base),
                     keys.begin() + static_cast<std::ptrdiff_t>(base + count), slices.begin(), SliceOf);
      db_->MultiGet({}, db_->DefaultColumnFamily(), count, slices.data(), values_.data(), statuses_.data(),
                    /*sorted_input=*/true);
      arrow::Status status;
      for (std::size_t at = 0; at < count; ++at) {
        if (statuses_[at].ok()) {
          found(base + at, ViewOf(values_[at]));
        } else if (!statuses_[at].IsNotFound() && status.ok()) {
          status = StatusOf(statuses_[at], folder_, "reading");
        }
        values_[at].Reset();
      }
      ARROW_RETURN_NOT_OK(status);
    }
    return arrow::Status::OK();
  }

  arrow::Status Write(std::span<const Entry> entries) override {
    batch_.Clear();
    for (const Entry& entry : entries) {
      ARROW_RETURN_NOT_OK(StatusOf(batch_.Put(SliceOf(entry.key), SliceOf(entry.value)), folder_, "writing"));
    }
    return StatusOf(db_->Write(write_options_, &batch_), folder_, "writing");
  }

  arrow::Result<std::unique_ptr<KeyCursor>> Read(std::string_view begin, std::optional<std::string_view> end) override {
    return std::make_unique<Cursor>(db_, folder_, std::string(begin), end);
  }

  arrow::Result<std::vector<File>> Freeze(const std::string& folder) override {
    rocksdb::Checkpoint* made = nullptr;
    ARROW_RETURN_NOT_OK(StatusOf(rocksdb::Checkpoint::Create(db_.get(), &made), folder, "freezing"));
    const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
    std::error_code error;
    if (std::filesystem::exists(folder, error)) {
      return arrow::Status::IOError("state '", folder,
                                    "': it exists already, and a frozen state needs a folder of its own.");
    }
    // Flushes first, whatever the size of the log: there is none.
    ARROW_RETURN_NOT_OK(StatusOf(checkpoint->CreateCheckpoint(folder, /*log_size_for_flush=*/0), folder, "freezing"));
    ARROW_ASSIGN_OR_RAISE(auto files, FilesIn(folder));
    std::ofstream list(folder + "/" + std::string(kListName));
    for (const File& file : files) list << file.name << ' ' << file.bytes << '\n';
    list << kListName << ' ' << files.size() << '\n';
    list.close();
    if (!list) return arrow::Status::IOError("state '", folder, "': its list of files cannot be written.");
    ARROW_ASSIGN_OR_RAISE(files, FilesIn(folder));
    for (const File& file : files) {
      if (!file.kept) ARROW_RETURN_NOT_OK(MakeDurable(folder + "/" + file.name));
    }
    ARROW_RETURN_NOT_OK(MakeDurable(folder));
    return files;
  }

 private:
  std::shared_ptr<rocksdb::DB> db_;
  std::string folder_;
  rocksdb::WriteOptions write_options_;
  rocksdb::WriteBatch batch_;
  std::vector<rocksdb::PinnableSlice> values_;
  std::vector<rocksdb::Status> statuses_;
};

}  // namespace

bool HasRocksDb() { return true; }

arrow::Result<std::shared_ptr<KeyStore>> OpenRocksDb(const std::string& folder, const RocksDbOptions& given) {
  rocksdb::Options options = OptionsOf(given);
  options.create_if_missing = true;
  options.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  options.keep_log_file_num = 2;
  options.max_log_file_size = std::size_t{1} << 20;
  std::error_code error;
  if (const auto list = std::filesystem::path(folder) / kListName; std::filesystem::exists(list, error)) {
    ARROW_RETURN_NOT_OK(CheckList(folder));
    std::filesystem::remove(list, error);  // From now on the files change.
    if (error) return arrow::Status::IOError("state '", list.string(), "': removing it: ", error.message());
  }
  rocksdb::DB* db = nullptr;
  ARROW_RETURN_NOT_OK(StatusOf(rocksdb::DB::Open(options, folder, &db), folder, "opening"));
  return std::make_shared<RocksDbStore>(db, folder);
}

arrow::Result<std::shared_ptr<KeyStore>> OpenRocksDbFiles(const std::string& folder, const RocksDbOptions& given) {
  ARROW_RETURN_NOT_OK(CheckList(folder));
  rocksdb::Options options = OptionsOf(given);
  options.info_log = std::make_shared<NoLog>();
  rocksdb::DB* db = nullptr;
  ARROW_RETURN_NOT_OK(StatusOf(rocksdb::DB::OpenForReadOnly(options, folder, &db), folder, "opening"));
  return std::make_shared<RocksDbStore>(db, folder);
}

}  // namespace sabot::state
