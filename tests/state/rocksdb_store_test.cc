// The store on the disk: what a map does, and what a disk does.
#include "sabot/state/rocksdb_store.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <map>
#include <random>
#include <thread>

#include "sabot/data/errors.h"
#include "tests/connectors/temporary_folder.h"
#include "tests/state/map_store.h"

namespace sabot::state {
namespace {

using Entries = std::map<std::string, std::string>;

Entries EntriesOf(KeyCursor& cursor) {
  Entries entries;
  std::string before;
  for (;;) {
    const auto more = cursor.Next();
    EXPECT_TRUE(more.ok()) << more.status();
    if (!more.ok() || !*more) return entries;
    EXPECT_LT(before, cursor.key());
    before = cursor.key();
    entries[before] = cursor.value();
  }
}
Entries EntriesOf(KeyStore& store, std::string_view begin = "", std::optional<std::string_view> end = std::nullopt) {
  return EntriesOf(*store.Read(begin, end).ValueOrDie());
}
void Put(KeyStore& store, const Entries& entries) {
  std::vector<KeyStore::Entry> list;
  for (const auto& [key, value] : entries) list.push_back({key, value});
  ASSERT_TRUE(store.Write(list).ok());
}
Entries Find(KeyStore& store, const std::vector<std::string>& keys) {
  const std::vector<std::string_view> views(keys.begin(), keys.end());
  Entries found;
  const auto status = store.Get(views, [&](std::size_t index, std::string_view value) { found[keys[index]] = value; });
  EXPECT_TRUE(status.ok()) << status;
  return found;
}

class RocksDbTest : public ::testing::Test {
 protected:
  connectors::TemporaryFolder folder_;
};

TEST_F(RocksDbTest, AFolderThatCannotBeMadeIsAnErrorWithItsPath) {
  connectors::WriteBytes(folder_ / "file", "x");
  const auto status = OpenRocksDb(folder_ / "file" + "/below").status();
  EXPECT_TRUE(status.IsIOError()) << status;
  EXPECT_NE(status.message().find(folder_ / "file"), std::string::npos) << status;
}

TEST_F(RocksDbTest, AFolderIsOfOneStore) {
  const auto store = OpenRocksDb(folder_ / "db").ValueOrDie();
  const auto status = OpenRocksDb(folder_ / "db").status();
  EXPECT_TRUE(status.IsIOError()) << status;
  EXPECT_NE(status.message().find(folder_ / "db"), std::string::npos) << status;
}

// As full as a disk gets without one of its own: no file may have more than 64 KB.
TEST_F(RocksDbTest, AFullDiskIsAnErrorAndNoEnd) {
  const auto store = OpenRocksDb(folder_ / "db", {.write_buffer_bytes = 1 << 20}).ValueOrDie();
  Entries entries;
  for (int i = 0; i < 2000; ++i) entries["key" + std::to_string(i)] = std::string(300, 'v');
  Put(*store, entries);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 64 << 10;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const auto status = store->Freeze(folder_ / "frozen").status();
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, handler);
  EXPECT_TRUE(status.IsIOError()) << status;
  EXPECT_NE(status.message().find(folder_ / "frozen"), std::string::npos) << status;
  EXPECT_EQ(EntriesOf(*store), entries);  // What is in memory is still there.
  EXPECT_FALSE(OpenRocksDbFiles(folder_ / "frozen").ok());
}

TEST_F(RocksDbTest, WhatIsNoFolderOfStateIsNamed) {
  for (const std::string& path : {folder_ / "missing", folder_ / ""}) {
    const auto status = OpenRocksDbFiles(path).status();
    EXPECT_EQ(data::KindOf(status), data::ErrorKind::kData);
    EXPECT_NE(status.message().find("state '" + path + "': it has no whole file FILES"), std::string::npos) << status;
  }
}

TEST_F(RocksDbTest, DamageIsNamed) {
  const auto store = OpenRocksDb(folder_ / "db").ValueOrDie();
  Entries entries;
  for (int i = 0; i < 2000; ++i) entries["key" + std::to_string(i)] = std::string(100, static_cast<char>('a' + i % 26));
  Put(*store, entries);
  const auto files = store->Freeze(folder_ / "frozen").ValueOrDie();
  int damaged = 0;
  for (const auto& file : files) {
    const std::string copy = folder_ / ("copy-" + file.name);
    std::filesystem::copy(folder_ / "frozen", copy);
    if (file.name.starts_with("OPTIONS")) continue;  // For people; nothing is read from it.
    std::string bytes = connectors::BytesOf(copy + "/" + file.name);
    std::filesystem::remove(copy + "/" + file.name);  // A copy may be a link.
    bytes.resize(bytes.size() / 2);
    if (file.kept)  // As long as it was.
      bytes = connectors::BytesOf(folder_ / ("frozen/" + file.name)), bytes[500] ^= 1;
    connectors::WriteBytes(copy + "/" + file.name, bytes);
    ++damaged;
    auto opened = OpenRocksDbFiles(copy);
    arrow::Status status = opened.status();
    if (opened.ok()) {
      const auto cursor = (*opened)->Read("", std::nullopt).ValueOrDie();
      auto more = cursor->Next();
      while (more.ok() && *more) more = cursor->Next();
      status = more.status();
    }
    EXPECT_FALSE(status.ok()) << file.name;
    EXPECT_NE(status.message().find(copy), std::string::npos) << file.name << ": " << status;
    EXPECT_EQ(data::KindOf(status), data::ErrorKind::kData) << status;
  }
  EXPECT_GE(damaged, 4);  // CURRENT, the manifest, the list, the entries.
}

TEST_F(RocksDbTest, FrozenFilesAreReadOnly) {
  const auto store = OpenRocksDb(folder_ / "db").ValueOrDie();
  Put(*store, {{"a", "1"}});
  ASSERT_TRUE(store->Freeze(folder_ / "frozen").ok());
  EXPECT_FALSE(store->Freeze(folder_ / "frozen").ok());  // It exists.
  const auto frozen = OpenRocksDbFiles(folder_ / "frozen").ValueOrDie();
  const KeyStore::Entry entry{"b", "2"};
  EXPECT_FALSE(frozen->Write({&entry, 1}).ok());
  EXPECT_EQ(EntriesOf(*frozen), (Entries{{"a", "1"}}));
}

TEST_F(RocksDbTest, ReadingFrozenFilesChangesNoneOfThem) {
  const auto store = OpenRocksDb(folder_ / "db").ValueOrDie();
  Put(*store, {{"a", "1"}, {"b", "2"}});
  ASSERT_TRUE(store->Freeze(folder_ / "frozen").ok());
  const auto listed = [&] {
    Entries files;
    for (const auto& file : std::filesystem::directory_iterator(folder_ / "frozen")) {
      files[file.path().filename()] = connectors::BytesOf(file.path());
    }
    return files;
  };
  const auto before = listed();
  EXPECT_EQ(EntriesOf(*OpenRocksDbFiles(folder_ / "frozen").ValueOrDie()).size(), 2U);
  EXPECT_EQ(listed(), before);
}

TEST_F(RocksDbTest, DoesWhatAMapDoes) {
  const auto store = OpenRocksDb(folder_ / "db", {.write_buffer_bytes = 1 << 16}).ValueOrDie();
  MapStore map;
  std::mt19937_64 random(5);
  std::vector<std::string> folders;
  std::vector<Entries> frozen;
  std::vector<std::pair<std::unique_ptr<KeyCursor>, Entries>> cursors;
  const auto key = [&] { return std::string(random() % 3, '\xFF') + std::to_string(random() % 3000); };
  for (int step = 0; step < 300; ++step) {
    Entries entries;
    for (uint64_t count = random() % 200; count > 0; --count) entries[key()] = std::string(random() % 60, 'v') + key();
    Put(*store, entries);
    Put(map, entries);
    std::vector<std::string> keys;
    for (uint64_t count = random() % 3000; count > 0; --count) keys.push_back(key());
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    ASSERT_EQ(Find(*store, keys), Find(map, keys));
    if (step % 50 == 20) {
      folders.push_back(folder_ / ("frozen" + std::to_string(step)));
      ASSERT_TRUE(store->Freeze(folders.back()).ok());
      frozen.push_back(EntriesOf(map));
    }
    if (step % 50 == 40) cursors.emplace_back(store->Read("1", "2").ValueOrDie(), EntriesOf(map, "1", "2"));
  }
  EXPECT_EQ(EntriesOf(*store), EntriesOf(map));
  EXPECT_EQ(EntriesOf(*store, "2", "\xFF"), EntriesOf(map, "2", "\xFF"));
  for (auto& [cursor, expected] : cursors) EXPECT_EQ(EntriesOf(*cursor), expected);
  for (std::size_t at = 0; at < folders.size(); ++at) {
    EXPECT_EQ(EntriesOf(*OpenRocksDbFiles(folders[at]).ValueOrDie()), frozen[at]);
  }
}

TEST_F(RocksDbTest, ACursorOutlivesItsStore) {
  auto store = OpenRocksDb(folder_ / "db").ValueOrDie();
  Put(*store, {{"a", "1"}, {"b", "2"}});
  const auto cursor = store->Read("", std::nullopt).ValueOrDie();
  Put(*store, {{"a", "3"}});
  store = nullptr;
  EXPECT_EQ(EntriesOf(*cursor), (Entries{{"a", "1"}, {"b", "2"}}));
}

TEST_F(RocksDbTest, ACursorIsReadWhileItsStoreGoesOn) {
  const auto store = OpenRocksDb(folder_ / "db", {.write_buffer_bytes = 1 << 16}).ValueOrDie();
  Entries entries;
  for (int i = 0; i < 3000; ++i) entries["key" + std::to_string(i)] = std::string(50, 'v');
  Put(*store, entries);
  const auto cursor = store->Read("", std::nullopt).ValueOrDie();
  Entries read;
  std::thread reader([&] { read = EntriesOf(*cursor); });
  for (int i = 0; i < 50; ++i) Put(*store, {{"key" + std::to_string(i), std::string(2000, 'w')}});
  reader.join();
  EXPECT_EQ(read, entries);
}

}  // namespace
}  // namespace sabot::state
