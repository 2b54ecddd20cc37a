#include "sabot/env/storage.h"

#include <arrow/buffer.h>
#include <arrow/util/io_util.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/connectors/temporary_folder.h"

namespace sabot::env {
namespace {

using connectors::BytesOf;
using connectors::TemporaryFolder;
using connectors::WriteBytes;

std::unique_ptr<PendingFile> Create(const std::string& path) {
  const auto place = StorageOf(path).ValueOrDie();
  return place.storage->Create(place.path).ValueOrDie();
}

int ErrnoOfCreate(const std::string& path) {
  const auto place = StorageOf(path).ValueOrDie();
  return arrow::internal::ErrnoFromStatus(place.storage->Create(place.path).status());
}

// --- Wrong use. ---

TEST(Storage, RefusesSchemesItDoesNotKnow) {
  EXPECT_EQ(StorageOf("gopher://host/a").status().message(),
            "'gopher://host/a': 'gopher' is no scheme that can be read or written. Use a path, file:// or s3://.");
  EXPECT_EQ(StorageOf("s3://").status().message(), "'s3://' names no bucket. Write s3://bucket/key.");
  EXPECT_TRUE(StorageOf("s3://bucket/key?no_such_option=1").status().IsInvalid());
  EXPECT_TRUE(StorageOf("file://host/a").status().IsInvalid());
}

TEST(LocalStorage, KeepsTheErrnoAndNamesThePath) {
  const TemporaryFolder folder;
  EXPECT_EQ(ErrnoOfCreate(folder / "none/a"), ENOENT);
  EXPECT_EQ(ErrnoOfCreate(folder / ""), EISDIR);
  WriteBytes(folder / "file", "x");
  EXPECT_EQ(ErrnoOfCreate(folder / "file/a"), ENOTDIR);
  const auto place = StorageOf(folder / "none/a").ValueOrDie();
  const auto status = place.storage->Create(place.path).status();
  EXPECT_TRUE(status.IsIOError());
  EXPECT_EQ(status.message(),
            "'" + (folder / "none/a") + "' cannot be created: No such file or directory. Make its folder first.");
  EXPECT_EQ(arrow::internal::ErrnoFromStatus(place.storage->CreateFolder(folder / "file/a")), ENOTDIR);
}

TEST(Storage, WhatIsMissingCannotBeReadButRemoved) {
  const TemporaryFolder folder;
  const std::vector<std::shared_ptr<Storage>> storages = {StorageOf("x").ValueOrDie().storage,
                                                          MakeSimulatedStorage(100)};
  for (const auto& storage : storages) {
    const auto status = storage->OpenInput(folder / "none").status();
    EXPECT_EQ(arrow::internal::ErrnoFromStatus(status), ENOENT);
    EXPECT_EQ(status.message(), "'" + (folder / "none") + "' cannot be read: No such file or directory.");
    EXPECT_TRUE(storage->Remove(folder / "none").ok());
  }
  EXPECT_EQ(arrow::internal::ErrnoFromStatus(storages[0]->OpenInput(folder / "").status()), EISDIR);
  EXPECT_TRUE(storages[0]->Remove(folder / "").IsIOError());
}

TEST(LocalStorage, DoesNotReplaceAFileThatIsProtected) {
  if (geteuid() == 0) GTEST_SKIP() << "root may write to every file";
  const TemporaryFolder folder;
  WriteBytes(folder / "a", "kept");
  ASSERT_EQ(chmod((folder / "a").c_str(), 0444), 0);
  EXPECT_EQ(ErrnoOfCreate(folder / "a"), EACCES);
}

TEST(LocalStorage, AFullDeviceSaysSo) {
  if (access("/dev/full", W_OK) != 0) GTEST_SKIP() << "/dev/full is missing";
  const auto file = Create("/dev/full");
  const auto status = file->stream()->Write("bytes", 5);
  EXPECT_TRUE(status.IsIOError());
  EXPECT_EQ(arrow::internal::ErrnoFromStatus(status), ENOSPC) << status;
}

TEST(LocalStorage, APipeWithoutReaderIsAnError) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const auto file = Create("/dev/fd/" + std::to_string(ends[1]));
  close(ends[1]);
  ASSERT_TRUE(file->stream()->Write("seen", 4).ok());
  std::array<char, 8> read_back{};
  EXPECT_EQ(read(ends[0], read_back.data(), read_back.size()), 4);
  close(ends[0]);
  for (int again = 0; again < 2; ++again) {
    EXPECT_EQ(arrow::internal::ErrnoFromStatus(file->stream()->Write("lost", 4)), EPIPE);
  }
  sigset_t pending;
  sigpending(&pending);
  EXPECT_EQ(sigismember(&pending, SIGPIPE), 0);
}

// --- Edges. ---

TEST(LocalStorage, NothingIsThereBeforeCommitAndNothingAfterGivingUp) {
  const TemporaryFolder folder;
  {
    const auto file = Create(folder / "a");
    ASSERT_TRUE(file->stream()->Write("half", 4).ok());
    ASSERT_TRUE(file->stream()->Close().ok());
    EXPECT_FALSE(std::filesystem::exists(folder / "a"));
    EXPECT_FALSE(folder.empty());
  }
  EXPECT_TRUE(folder.empty());
}

TEST(LocalStorage, AnOlderFileStaysUntilCommit) {
  const TemporaryFolder folder;
  WriteBytes(folder / "a", "older");
  const auto first = Create(folder / "a");
  const auto second = Create(folder / "a");
  ASSERT_TRUE(first->stream()->Write("first", 5).ok());
  ASSERT_TRUE(second->stream()->Write("second", 6).ok());
  EXPECT_EQ(BytesOf(folder / "a"), "older");
  ASSERT_TRUE(first->Commit().ok());
  EXPECT_EQ(BytesOf(folder / "a"), "first");
  ASSERT_TRUE(second->Commit().ok());
  EXPECT_EQ(BytesOf(folder / "a"), "second");
}

TEST(LocalStorage, ALinkStaysALink) {
  const TemporaryFolder folder;
  WriteBytes(folder / "a", "older");
  std::filesystem::create_symlink(folder / "a", folder / "link");
  const auto file = Create(folder / "link");
  ASSERT_TRUE(file->stream()->Write("newer", 5).ok());
  ASSERT_TRUE(file->Commit().ok());
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(BytesOf(folder / "a"), "newer");
}

TEST(LocalStorage, ANameMayBeAsLongAsTheDiskAllows) {
  const TemporaryFolder folder;
  const std::string path = folder / std::string(255, 'n');
  const auto file = Create(path);
  ASSERT_TRUE(file->Commit().ok());
  EXPECT_TRUE(std::filesystem::exists(path));
  EXPECT_EQ(ErrnoOfCreate(folder / std::string(256, 'n')), ENAMETOOLONG);
}

// --- Values. ---

TEST(LocalStorage, CommitsWhatWasWritten) {
  const TemporaryFolder folder;
  for (const std::string& path : {folder / "a", "file://" + (folder / "b%20c")}) {
    const auto file = Create(path);
    ASSERT_TRUE(file->stream()->Write("one ", 4).ok());
    EXPECT_EQ(file->stream()->Tell().ValueOrDie(), 4);
    ASSERT_TRUE(file->stream()->Write("two", 3).ok());
    ASSERT_TRUE(file->Commit().ok());
  }
  EXPECT_EQ(BytesOf(folder / "a"), "one two");
  EXPECT_EQ(BytesOf(folder / "b c"), "one two");
}

TEST(LocalStorage, WhatSomebodyOpenedIsWrittenWhereItStands) {
  const TemporaryFolder folder;
  WriteBytes(folder / "log", "before ");
  const int descriptor = open((folder / "log").c_str(), O_WRONLY | O_APPEND);
  const auto file = Create("/dev/fd/" + std::to_string(descriptor));
  ASSERT_TRUE(file->stream()->Write("after", 5).ok());
  ASSERT_TRUE(file->Commit().ok());
  close(descriptor);
  EXPECT_EQ(BytesOf(folder / "log"), "before after");
}

TEST(Storage, WhatWasCommittedIsReadUntilItIsRemoved) {
  const TemporaryFolder folder;
  const auto simulated = MakeSimulatedStorage(10);
  const std::vector<std::shared_ptr<Storage>> storages = {StorageOf("x").ValueOrDie().storage, simulated};
  for (const auto& storage : storages) {
    {
      const auto file = storage->Create(folder / "a").ValueOrDie();
      ASSERT_TRUE(file->stream()->Write("0123456789", 10).ok());
      EXPECT_TRUE(storage->OpenInput(folder / "a").status().IsIOError());  // Not yet.
      ASSERT_TRUE(file->Commit().ok());
    }
    const auto input = storage->OpenInput(folder / "a").ValueOrDie();
    EXPECT_EQ(input->GetSize().ValueOrDie(), 10);
    EXPECT_EQ(input->ReadAt(3, 4).ValueOrDie()->ToString(), "3456");
    ASSERT_TRUE(storage->Remove(folder / "a").ok());
    EXPECT_TRUE(storage->OpenInput(folder / "a").status().IsIOError());
    EXPECT_EQ(input->ReadAt(8, 4).ValueOrDie()->ToString(), "89");
  }
  EXPECT_TRUE(folder.empty());
  const auto again = simulated->Create("b").ValueOrDie();
  EXPECT_TRUE(again->stream()->Write("0123456789", 10).ok());  // There is room again.
}

TEST(LocalStorage, ListsNames) {
  const TemporaryFolder folder;
  const auto storage = StorageOf("x").ValueOrDie().storage;
  EXPECT_TRUE(storage->List(folder / "none").ValueOrDie().empty());
  ASSERT_TRUE(storage->CreateFolder(folder / "a/b").ok());
  ASSERT_TRUE(storage->CreateFolder(folder / "a/b").ok());
  WriteBytes(folder / "a/b/c", "");
  EXPECT_EQ(storage->List(folder / "a").ValueOrDie(), std::vector<std::string>{"b"});
  EXPECT_EQ(storage->List(folder / "a/b").ValueOrDie(), std::vector<std::string>{"c"});
}

TEST(Storage, RemovesFoldersThatAreEmpty) {
  const TemporaryFolder folder;
  const std::vector<std::shared_ptr<Storage>> storages = {StorageOf("x").ValueOrDie().storage,
                                                          MakeSimulatedStorage(100)};
  for (const auto& storage : storages) {
    EXPECT_TRUE(storage->RemoveFolder(folder / "none").ok());
    ASSERT_TRUE(storage->CreateFolder(folder / "a/b").ok());
    for (const char* name : {"a/b/c", "a/b/d", "a/b.e"}) {
      const auto file = storage->Create(folder / name).ValueOrDie();
      ASSERT_TRUE(file->Commit().ok());
    }
    auto names = storage->List(folder / "a").ValueOrDie();
    std::sort(names.begin(), names.end());
    EXPECT_EQ(names, (std::vector<std::string>{"b", "b.e"}));  // Once, whatever is in it.
    const auto status = storage->RemoveFolder(folder / "a/b");
    EXPECT_EQ(arrow::internal::ErrnoFromStatus(status), ENOTEMPTY);
    EXPECT_EQ(status.message(), "'" + (folder / "a/b") + "' cannot be removed: Directory not empty.");
    for (const char* name : {"a/b/c", "a/b/d", "a/b.e"}) ASSERT_TRUE(storage->Remove(folder / name).ok());
    EXPECT_TRUE(storage->RemoveFolder(folder / "a/b").ok());
    EXPECT_TRUE(storage->RemoveFolder(folder / "a").ok());
  }
  EXPECT_TRUE(folder.empty());
  WriteBytes(folder / "file", "x");
  EXPECT_EQ(arrow::internal::ErrnoFromStatus(storages[0]->RemoveFolder(folder / "file")), ENOTDIR);
}

TEST(LocalStorage, MakesFoldersHoweverTheyAreWritten) {
  const TemporaryFolder folder;
  const auto storage = StorageOf("x").ValueOrDie().storage;
  for (const char* name : {"a/", "b/c/", "d/./e/../f", "a/../a/g"}) {
    ASSERT_TRUE(storage->CreateFolder(folder / name).ok()) << name;
    EXPECT_TRUE(std::filesystem::is_directory(folder / name)) << name;
  }
}

// --- A disk whose power fails. ---

arrow::Status WriteFile(Storage& storage, const std::string& path, const std::string& bytes) {
  ARROW_ASSIGN_OR_RAISE(const auto file, storage.Create(path));
  ARROW_RETURN_NOT_OK(file->stream()->Write(bytes.data(), static_cast<int64_t>(bytes.size())));
  return file->Commit();
}

using Files = std::map<std::string, std::string>;

TEST(SimulatedStorage, LosesWhatWasNotCommittedWhenThePowerFails) {
  for (int64_t operations = 0; operations < 2; ++operations) {  // The write, the commit.
    const auto storage = MakeSimulatedStorage(10);
    ASSERT_TRUE(WriteFile(*storage, "a", "older").ok());
    storage->FailAfter(operations);
    const auto pending = storage->Create("b").ValueOrDie();
    const auto status = WriteFile(*storage, "a", "newer");
    EXPECT_EQ(arrow::internal::ErrnoFromStatus(status), EIO);
    EXPECT_EQ(status.message(), "'a' cannot be reached: Input/output error.");
    EXPECT_TRUE(storage->Create("c").status().IsIOError());
    EXPECT_TRUE(storage->List("").status().IsIOError());
    EXPECT_TRUE(storage->OpenInput("a").status().IsIOError());
    EXPECT_TRUE(storage->Remove("a").IsIOError());
    EXPECT_TRUE(storage->RemoveFolder("d").IsIOError());
    EXPECT_EQ(storage->files(), (Files{{"a", "older"}}));
    storage->Restart();
    EXPECT_TRUE(pending->stream()->Write("x", 1).IsIOError());  // Of a process that is no more.
    EXPECT_TRUE(pending->Commit().IsIOError());
    EXPECT_TRUE(WriteFile(*storage, "a", "newer").ok());
    EXPECT_EQ(storage->files(), (Files{{"a", "newer"}}));
    EXPECT_TRUE(WriteFile(*storage, "b", "12345").ok());  // No room was lost.
  }
}

TEST(SimulatedStorage, KeepsWhatWasCommittedBeforeThePowerFails) {
  const auto storage = MakeSimulatedStorage(10);
  storage->FailAfter(2);
  ASSERT_TRUE(WriteFile(*storage, "a", "newer").ok());
  EXPECT_TRUE(storage->Remove("a").IsIOError());
  EXPECT_EQ(storage->files(), (Files{{"a", "newer"}}));
  EXPECT_EQ(storage->operations(), 2);
}

TEST(SimulatedStorage, MayTearACommit) {
  const auto storage = MakeSimulatedStorage(10);
  storage->FailAfter(1, /*tears=*/true);
  EXPECT_TRUE(WriteFile(*storage, "a", "12345").IsIOError());
  EXPECT_EQ(storage->files(), (Files{{"a", "12"}}));
  storage->Restart();
  storage->Put("b", "1234");
  EXPECT_EQ(arrow::internal::ErrnoFromStatus(WriteFile(*storage, "c", "12345")), ENOSPC);
  EXPECT_TRUE(WriteFile(*storage, "c", "1234").ok());
}

TEST(SimulatedStorage, IsFullAtItsLimitAndForgetsWhatWasGivenUp) {
  const auto storage = MakeSimulatedStorage(10);
  const auto kept = storage->Create("folder/kept").ValueOrDie();
  ASSERT_TRUE(kept->stream()->Write("12345", 5).ok());
  {
    const auto lost = storage->Create("folder/lost").ValueOrDie();
    ASSERT_TRUE(lost->stream()->Write("12345", 5).ok());
    EXPECT_EQ(arrow::internal::ErrnoFromStatus(kept->stream()->Write("6", 1)), ENOSPC);
    EXPECT_EQ(arrow::internal::ErrnoFromStatus(lost->stream()->Write("6", 1)), ENOSPC);
  }
  ASSERT_TRUE(kept->stream()->Write("67890", 5).ok());
  EXPECT_TRUE(storage->files().empty());
  ASSERT_TRUE(kept->Commit().ok());
  EXPECT_EQ(storage->files(), (std::map<std::string, std::string>{{"folder/kept", "1234567890"}}));
  EXPECT_EQ(storage->List("folder").ValueOrDie(), std::vector<std::string>{"kept"});
}

}  // namespace
}  // namespace sabot::env
