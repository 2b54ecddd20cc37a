#include "sabot/checkpoint/store.h"

#include <arrow/array.h>
#include <arrow/array/builder_dict.h>
#include <arrow/buffer.h>
#include <arrow/io/file.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <arrow/scalar.h>
#include <arrow/util/io_util.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "sabot/checkpoint/decision_log.h"
#include "sabot/data/errors.h"
#include "sabot/env/digest.h"
#include "tests/checkpoint/checkpoints.h"
#include "tests/connectors/temporary_folder.h"

namespace sabot::checkpoint {
namespace {

using connectors::BytesOf;
using connectors::TemporaryFolder;
using connectors::WriteBytes;

constexpr int64_t kRoom = int64_t{1} << 30;

struct Simulated {
  std::shared_ptr<env::SimulatedStorage> disk = env::MakeSimulatedStorage(kRoom);
  Store store{disk, "jobs/prices"};
  std::vector<std::string> skipped;

  std::set<std::string> Names() const {
    std::set<std::string> names;
    for (const auto& [path, bytes] : disk->files()) names.insert(path.substr(std::string("jobs/prices/").size()));
    return names;
  }
  std::string Bytes(const std::string& name) const { return disk->files().at("jobs/prices/" + name); }
  void Put(const std::string& name, const std::string& bytes) { disk->Put("jobs/prices/" + name, bytes); }
  arrow::Result<std::optional<Manifest>> Newest() { return store.Newest(skipped); }
};

const std::set<std::string> kFilesOf12 = {"1-2.json", "1-2/fast.0.0.arrow", "1-2/fast.1.0.arrow"};

// A value, whatever its dictionary.
std::string TextAt(const arrow::Table& table, int column, int64_t row) {
  const auto value = table.column(column)->GetScalar(row).ValueOrDie();
  if (value->type->id() != arrow::Type::DICTIONARY) return value->ToString();
  return dynamic_cast<const arrow::DictionaryScalar&>(*value).GetEncodedValue().ValueOrDie()->ToString();
}

bool IsOfData(const arrow::Status& status) { return data::KindOf(status) == data::ErrorKind::kData; }

// --- Wrong use. ---

TEST(Store, CopiesIntoNoFolderThatHasCheckpoints) {
  Simulated at;
  CommitCheckpoint(at.store, 1, 1).ValueOrDie();
  Store other(at.disk, "jobs/other");
  CommitCheckpoint(other, 2, 3).ValueOrDie();
  const auto before = at.disk->files();
  const auto status = at.store.CopyTo({1, 1}, other);
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kOption);
  EXPECT_EQ(status.message(),
            "checkpoint: 'jobs/other' has checkpoints already, the newest 2-3. Copy into a folder "
            "that has none.");
  EXPECT_FALSE(at.store.CopyTo({1, 1}, at.store).ok());
  EXPECT_EQ(at.disk->files(), before);
}

TEST(Store, CopiesNothingThatIsDamaged) {
  Simulated at;
  CommitCheckpoint(at.store, 1, 2).ValueOrDie();
  at.Put("1-2/fast.1.0.arrow", at.Bytes("1-2/fast.0.0.arrow"));  // Of the same size.
  Store other(at.disk, "jobs/other");
  EXPECT_TRUE(IsOfData(at.store.CopyTo({1, 2}, other)));
  EXPECT_TRUE(IsOfData(at.store.CopyTo({1, 3}, other)));  // It is not there at all.
  EXPECT_TRUE(other.List().ValueOrDie().empty());
}

TEST(Store, RefusesNamesThatLeadElsewhere) {
  Simulated at;
  for (const char* name : {"", "..", "../a", "a/b", "a b"}) {
    const auto status = at.store.Write({1, 1}, name, *StateTable(0, 1)).status();
    EXPECT_EQ(data::KindOf(status), data::ErrorKind::kOption) << name;
    EXPECT_EQ(status.message(), "checkpoint: a file cannot be called '" + std::string(name) +
                                    "'. Use up to 240 letters, digits, '_', '-' and '.', and not '.' first.");
  }
  EXPECT_TRUE(at.Names().empty());
}

TEST(Store, CommitsNothingWhoseFilesAreNotThere) {
  Simulated at;
  Manifest manifest = WriteCheckpoint(at.store, 1, 1).ValueOrDie();
  manifest.operators[1].files[0].name = "1-1/other.arrow";
  EXPECT_EQ(at.store.Commit(manifest).message(), "checkpoint: 'jobs/prices/1-1/other.arrow' is missing.");
  manifest = WriteCheckpoint(at.store, 1, 2).ValueOrDie();
  const std::string bytes = std::to_string(manifest.operators[0].files[0].bytes);
  at.Put("1-2/fast.0.0.arrow", "torn");
  EXPECT_EQ(at.store.Commit(manifest).message(),
            "checkpoint: 'jobs/prices/1-2/fast.0.0.arrow': size: found 4, expected " + bytes + ".");
  EXPECT_FALSE(at.Names().contains("1-1.json"));
  EXPECT_FALSE(at.Names().contains("1-2.json"));
}

TEST(Store, WritesAFileOnce) {
  Simulated at;
  ASSERT_TRUE(at.store.Write({1, 1}, "a", *StateTable(0, 1)).ok());
  const std::string bytes = at.Bytes("1-1/a.arrow");
  const auto status = at.store.Write({1, 1}, "a", *StateTable(1, 1)).status();
  EXPECT_TRUE(IsOfData(status));
  EXPECT_TRUE(status.message().starts_with("checkpoint: 'jobs/prices/1-1/a.arrow' is there already.")) << status;
  EXPECT_EQ(at.Bytes("1-1/a.arrow"), bytes);
}

TEST(Store, CommitsANumberOnce) {
  Simulated at;
  const Manifest manifest = CommitCheckpoint(at.store, 1, 1).ValueOrDie();
  const auto status = at.store.Commit(manifest);
  EXPECT_TRUE(IsOfData(status));
  EXPECT_EQ(status.message(),
            "checkpoint: 'jobs/prices/1-1.json' is there already. Two processes write as one attempt, or a number was "
            "given twice; start the job again, as a new attempt.");
}

TEST(Store, CommitsNothingThatCouldNotBeRead) {
  Simulated at;
  Manifest manifest = WriteCheckpoint(at.store, 1, 1).ValueOrDie();
  manifest.job_id = "";
  EXPECT_TRUE(IsOfData(at.store.Commit(manifest)));
  EXPECT_FALSE(at.Names().contains("1-1.json"));
}

TEST(Store, KeepsAtLeastOne) {
  Simulated at;
  EXPECT_EQ(at.store.Sweep(0, 1).message(), "checkpoint: keep: found 0, expected at least 1.");
}

TEST(Store, AFullDiskIsItsOwnError) {
  const auto disk = env::MakeSimulatedStorage(100);
  Store store(disk, "jobs");
  EXPECT_EQ(arrow::internal::ErrnoFromStatus(store.Write({1, 1}, "a", *StateTable(0, 100)).status()), ENOSPC);
  EXPECT_TRUE(disk->files().empty());
}

// --- Edges: what is damaged is named, and the one before is taken. ---

TEST(Store, SkipsWhatIsDamagedAndSaysWhy) {
  const std::string file = "jobs/prices/1-2/fast.1.0.arrow", manifest = "jobs/prices/1-2.json";
  struct Case {
    std::string path;
    std::function<void(env::SimulatedStorage&, const std::string& bytes)> damage;
    std::string message;
  };
  const auto put = [](const std::string& path, const std::string& bytes) {
    return [=](env::SimulatedStorage& disk, const std::string&) { disk.Put(path, bytes); };
  };
  const std::vector<Case> cases = {
      {file, [&](auto& disk, auto&) { ASSERT_TRUE(disk.Remove(file).ok()); },
       "manifest '" + manifest + "': checkpoint: '" + file + "' is missing."},
      {file, [&](auto& disk, auto& bytes) { disk.Put(file, bytes.substr(0, bytes.size() - 1)); },
       "manifest '" + manifest + "': checkpoint: '" + file + "': size: found "},
      {file, [&](auto& disk, auto& bytes) { disk.Put(file, std::string(bytes.size(), 'x')); },
       "manifest '" + manifest + "': checkpoint: '" + file + "': sha256: found "},
      {manifest, [&](auto& disk, auto& bytes) { disk.Put(manifest, bytes.substr(0, bytes.size() / 2)); },
       "manifest '" + manifest + "': line "},
      {manifest, put(manifest, ""), "manifest '" + manifest + "': the text is empty."},
      {manifest, put(manifest, "{\"job_id\": \"a\"}"),
       "manifest '" + manifest + "': $: the member 'version' is missing. It is an integer."},
      {manifest, [&](auto& disk, auto&) { disk.Put(manifest, disk.files().at("jobs/prices/1-1.json")); },
       "checkpoint: '" + manifest + "': attempt and number: found 1-1, expected 1-2."},
  };
  for (const Case& one : cases) {
    Simulated at;
    const Manifest before = CommitCheckpoint(at.store, 1, 1).ValueOrDie();
    ASSERT_TRUE(CommitCheckpoint(at.store, 1, 2).ok());
    one.damage(*at.disk, at.disk->files().at(one.path));
    EXPECT_EQ(at.Newest().ValueOrDie(), before);
    ASSERT_EQ(at.skipped.size(), 1u);
    EXPECT_EQ(at.skipped[0].substr(0, one.message.size()), one.message);
  }
}

TEST(Store, NeverStartsAfreshInSilence) {
  Simulated at;
  EXPECT_EQ(at.Newest().ValueOrDie(), std::nullopt);
  ASSERT_TRUE(WriteCheckpoint(at.store, 1, 1).ok());
  EXPECT_EQ(at.Newest().ValueOrDie(), std::nullopt);  // It was never committed.
  at.Put("1-1.json", "");
  at.Put("1-2.json", "x");
  const auto status = at.Newest().status();
  EXPECT_TRUE(IsOfData(status));
  EXPECT_EQ(status.message(),
            "checkpoint: none of the 2 checkpoints in 'jobs/prices' can be used. Bring back their files, or name a new "
            "folder to start afresh.\n"
            "  manifest 'jobs/prices/1-2.json': line 1, column 1: this is no JSON; found near 'x'.\n"
            "  manifest 'jobs/prices/1-1.json': the text is empty.");
}

TEST(Store, AStorageThatFailsIsNoReasonToGoBack) {
  Simulated at;
  ASSERT_TRUE(CommitCheckpoint(at.store, 1, 1).ok());
  at.disk->FailAfter(0);
  EXPECT_FALSE(at.store.Write({1, 2}, "a", *StateTable(0, 1)).ok());
  const auto status = at.Newest().status();
  EXPECT_TRUE(status.IsIOError());
  EXPECT_FALSE(IsOfData(status));
}

TEST(Store, ReadsNothingThatWasChanged) {
  Simulated at;
  const StateFile file = at.store.Write({1, 1}, "a", *StateTable(0, 3)).ValueOrDie();
  const std::string bytes = at.Bytes(file.name);
  for (std::size_t byte = 0; byte < bytes.size(); byte += 7) {
    std::string changed = bytes;
    changed[byte] = static_cast<char>(changed[byte] ^ 1);
    at.Put(file.name, changed);
    EXPECT_TRUE(IsOfData(at.store.Read(file).status()));
  }
  at.Put(file.name, bytes);
  StateFile other = file;
  other.rows = 4;
  EXPECT_EQ(at.store.Read(other).status().message(),
            "checkpoint: 'jobs/prices/1-1/a.arrow': rows: found 3, expected 4.");
}

TEST(Store, ReadsNothingThatIsNoArrow) {
  Simulated at;
  at.Put("1-1/a.arrow", "abc");
  const StateFile file = {.name = "1-1/a.arrow",
                          .bytes = 3,
                          .sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                          .rows = 1};
  const auto status = at.store.Read(file).status();
  EXPECT_TRUE(IsOfData(status)) << status;
  EXPECT_TRUE(status.message().ends_with(", expected an Arrow IPC file.")) << status;
}

TEST(Store, CountsNumbersAndNotLetters) {
  Simulated at;
  for (int64_t number : {9, 10, 2}) ASSERT_TRUE(CommitCheckpoint(at.store, 1, number).ok());
  EXPECT_EQ(at.store.List().ValueOrDie(), (std::vector<CheckpointId>{{1, 10}, {1, 9}, {1, 2}}));
  EXPECT_EQ(at.Newest().ValueOrDie()->id, (CheckpointId{1, 10}));
  ASSERT_TRUE(CommitCheckpoint(at.store, 2, 1).ok());
  EXPECT_EQ(at.Newest().ValueOrDie()->id, (CheckpointId{2, 1}));  // The highest attempt wins.
  for (const char* name : {"README", "3.json", "03-1.json", "3-1.json.bak", "3-1.txt", "latest/3-1.json"})
    at.Put(name, "");
  EXPECT_EQ(at.store.List().ValueOrDie().size(), 4u);
}

TEST(Store, CountsAttemptsByWhatTheyLeft) {
  Simulated at;
  EXPECT_EQ(at.store.NextAttempt().ValueOrDie(), 1);
  ASSERT_TRUE(CommitCheckpoint(at.store, 1, 5).ok());
  EXPECT_EQ(at.store.NextAttempt().ValueOrDie(), 2);
  ASSERT_TRUE(WriteCheckpoint(at.store, 7, 1).ok());  // Died before it committed.
  EXPECT_EQ(at.store.NextAttempt().ValueOrDie(), 8);
  at.Put("12-1.json.77-1.partial", "");
  EXPECT_EQ(at.store.NextAttempt().ValueOrDie(), 13);
}

// --- Values. ---

TEST(Store, FindsWhatWasCommitted) {
  Simulated at;
  const Manifest manifest = CommitCheckpoint(at.store, 1, 1).ValueOrDie();
  EXPECT_EQ(at.Newest().ValueOrDie(), manifest);
  EXPECT_EQ(at.store.Open({1, 1}).ValueOrDie(), manifest);
  EXPECT_TRUE(at.skipped.empty());
  const auto table = at.store.Read(manifest.operators[1].files[0]).ValueOrDie();
  EXPECT_TRUE(table->Equals(*StateTable(111, 3), /*check_metadata=*/true));
  EXPECT_EQ(at.store.Open({1, 2}).status().message(), "checkpoint: 'jobs/prices/1-2.json' is missing.");
}

TEST(Store, CopiesACheckpointWithFilesOfEarlierOnes) {
  Simulated at;
  const Manifest first = CommitCheckpoint(at.store, 1, 1).ValueOrDie();
  Manifest second = EmptyCheckpoint(1, 2);
  second.operators = first.operators;
  ASSERT_TRUE(at.store.Commit(second).ok());
  at.disk->Put("other/1-1/fast.0.0.arrow", "what a copy left that died");
  Store other(at.disk, "other");
  ASSERT_TRUE(at.store.CopyTo({1, 2}, other).ok());
  EXPECT_EQ(other.List().ValueOrDie(), (std::vector<CheckpointId>{{1, 2}}));
  EXPECT_EQ(other.Open({1, 2}).ValueOrDie(), second);
  std::map<std::string, std::string> copied;
  for (const auto& [path, bytes] : at.disk->files()) {
    if (path.starts_with("other/")) copied[path.substr(std::string("other/").size())] = bytes;
  }
  EXPECT_EQ(copied, (std::map<std::string, std::string>{{"1-2.json", at.Bytes("1-2.json")},
                                                        {"1-1/fast.0.0.arrow", at.Bytes("1-1/fast.0.0.arrow")},
                                                        {"1-1/fast.1.0.arrow", at.Bytes("1-1/fast.1.0.arrow")}}));
}

TEST(Store, CopiesTheDecisionsThatACheckpointNeeds) {
  Simulated at;
  const auto log = DecisionLog::Open(at.disk, "jobs/prices/decisions", 1).ValueOrDie();
  for (int64_t offset = 0; offset < 3; ++offset) {
    ASSERT_TRUE(log->Append({{.source = "ticks", .partition = 0, .offset = offset, .time = offset}}).ok());
  }
  Manifest manifest = WriteCheckpoint(at.store, 1, 1).ValueOrDie();
  manifest.decisions = {.attempt = 1, .number = 2};
  ASSERT_TRUE(at.store.Commit(manifest).ok());
  Store other(at.disk, "other");
  ASSERT_TRUE(at.store.CopyTo({1, 1}, other).ok());
  const auto copied = DecisionLog::Read(*at.disk, "other/decisions", manifest.decisions).ValueOrDie();
  EXPECT_EQ(copied, DecisionLog::Read(*at.disk, "jobs/prices/decisions", manifest.decisions).ValueOrDie());
  EXPECT_EQ(copied.size(), 2);
  EXPECT_FALSE(at.disk->OpenInput("other/decisions/1-1.json").ok());
}

// Wherever it dies: no checkpoint is there, and the next copy is a whole one.
TEST(Store, ACopyThatDiesIsNoCheckpoint) {
  for (int64_t operations = 0;; ++operations) {
    Simulated at;
    const Manifest manifest = CommitCheckpoint(at.store, 1, 1).ValueOrDie();
    Store other(at.disk, "other");
    at.disk->FailAfter(operations);
    const bool done = at.store.CopyTo({1, 1}, other).ok();
    at.disk->Restart();
    if (done) {
      EXPECT_GT(operations, 5);  // Two files and a manifest, each written and committed.
      break;
    }
    EXPECT_TRUE(other.List().ValueOrDie().empty()) << operations;
    ASSERT_TRUE(at.store.CopyTo({1, 1}, other).ok());
    EXPECT_EQ(other.Open({1, 1}).ValueOrDie(), manifest);
  }
}

TEST(Store, KeepsFilesOfAnyKind) {
  Simulated at;
  const std::string bytes = std::string(3 << 20, 'x') + std::string("\0end", 4);  // More than is read at once.
  for (const std::string& text : {bytes, std::string()}) {
    const std::string name = "fast.0." + std::to_string(text.size());
    arrow::io::BufferReader reader(arrow::Buffer::FromString(text));
    const auto file = at.store.WriteFile({1, 1}, name, reader).ValueOrDie();
    EXPECT_EQ(file, (StateFile{.name = "1-1/" + name,
                               .bytes = static_cast<int64_t>(text.size()),
                               .sha256 = env::DigestOf(text).ValueOrDie(),
                               .rows = 0}));
    EXPECT_EQ(at.Bytes(file.name), text);
    const auto to = arrow::io::BufferOutputStream::Create().ValueOrDie();
    ASSERT_TRUE(at.store.Fetch(file, *to).ok());
    EXPECT_EQ(to->Finish().ValueOrDie()->ToString(), text);
  }
}

TEST(Store, FetchesNothingThatWasChanged) {
  Simulated at;
  arrow::io::BufferReader reader(arrow::Buffer::FromString("state"));
  const auto file = at.store.WriteFile({1, 1}, "fast.0.CURRENT", reader).ValueOrDie();
  EXPECT_TRUE(IsOfData(at.store.WriteFile({1, 1}, "fast.0.CURRENT", reader).status()));  // It is there.
  for (const std::string changed : {"stat", "stale"}) {
    at.Put(file.name, changed);
    const auto to = arrow::io::BufferOutputStream::Create().ValueOrDie();
    const auto status = at.store.Fetch(file, *to);
    EXPECT_TRUE(IsOfData(status)) << status;
    EXPECT_NE(status.message().find("jobs/prices/1-1/fast.0.CURRENT': sha256: found "), std::string::npos) << status;
  }
  ASSERT_TRUE(at.disk->Remove("jobs/prices/" + file.name).ok());
  const auto to = arrow::io::BufferOutputStream::Create().ValueOrDie();
  EXPECT_EQ(at.store.Fetch(file, *to).message(), "checkpoint: 'jobs/prices/1-1/fast.0.CURRENT' is missing.");
}

TEST(Store, KeepsTablesOfAnyShape) {
  Simulated at;
  const auto dictionary = [](const std::vector<std::string>& values) {
    arrow::StringDictionaryBuilder builder;
    for (const auto& value : values) EXPECT_TRUE(builder.Append(value).ok());
    return builder.Finish().ValueOrDie();
  };
  const auto chunks =
      std::make_shared<arrow::ChunkedArray>(arrow::ArrayVector{dictionary({"a", "b"}), dictionary({"c"})});
  const std::vector<std::shared_ptr<arrow::Table>> tables = {
      StateTable(0, 0), arrow::Table::Make(arrow::schema(arrow::FieldVector{}), arrow::ArrayVector{}, 0),
      StateTable(0, 2'000), arrow::Table::Make(arrow::schema({arrow::field("d", chunks->type())}), {chunks})};
  OperatorState state = {.uid = "fast.x", .copy = 3, .type = "kernel", .key_by = {}, .files = {}};
  ASSERT_TRUE(at.store.Write({1, 1}, state, tables).ok());
  ASSERT_EQ(state.files.size(), tables.size());
  for (std::size_t index = 0; index < tables.size(); ++index) {
    EXPECT_EQ(state.files[index].name, "1-1/fast.x.3." + std::to_string(index) + ".arrow");
    EXPECT_EQ(state.files[index].rows, tables[index]->num_rows());
    const auto back = at.store.Read(state.files[index]).ValueOrDie();
    EXPECT_EQ(back->num_rows(), tables[index]->num_rows());
    EXPECT_TRUE(back->schema()->Equals(*tables[index]->schema(), /*check_metadata=*/true));
    for (int column = 0; column < back->num_columns(); ++column) {
      for (int64_t row = 0; row < back->num_rows(); ++row) {
        EXPECT_EQ(TextAt(*back, column, row), TextAt(*tables[index], column, row));
      }
    }
  }
}

TEST(Store, LeavesOnADiskWhatAnyArrowToolOpens) {
  const TemporaryFolder folder;
  const auto place = env::StorageOf(folder / "jobs/prices").ValueOrDie();
  Store store(place.storage, place.path);
  std::vector<std::string> skipped;
  EXPECT_EQ(store.Newest(skipped).ValueOrDie(), std::nullopt);
  const Manifest manifest = CommitCheckpoint(store, 1, 1).ValueOrDie();
  const auto file = arrow::io::ReadableFile::Open(folder / "jobs/prices/1-1/fast.0.0.arrow").ValueOrDie();
  const auto reader = arrow::ipc::RecordBatchFileReader::Open(file).ValueOrDie();
  EXPECT_TRUE(reader->ToTable().ValueOrDie()->Equals(*StateTable(110, 3), /*check_metadata=*/true));
  EXPECT_EQ(manifest.operators[0].files[0].bytes,
            static_cast<int64_t>(std::filesystem::file_size(folder / "jobs/prices/1-1/fast.0.0.arrow")));
  EXPECT_EQ(store.Newest(skipped).ValueOrDie(), manifest);

  // What a process that died left on a disk.
  WriteBytes(folder / "jobs/prices/1-1.json.77-1.partial", "half");
  WriteBytes(folder / "jobs/prices/1-1/fast.0.0.arrow.77-2.partial", "half");
  std::filesystem::create_directory(folder / "jobs/prices/1-3");
  WriteBytes(folder / "jobs/prices/notes.txt", "mine");
  ASSERT_TRUE(CommitCheckpoint(store, 2, 1).ok());
  ASSERT_TRUE(store.Sweep(1, 2).ok());
  std::set<std::string> left;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "jobs/prices"))
    left.insert(entry.path().filename());
  EXPECT_EQ(left, (std::set<std::string>{"2-1", "2-1.json", "notes.txt"}));
}

// SABOT_TEST_S3 names a bucket, or a prefix in one, that may be written: s3://bucket/key?endpoint_override=...
TEST(Store, LivesInAnObjectStore) {
  const char* const uri = std::getenv("SABOT_TEST_S3");
  if (uri == nullptr) GTEST_SKIP() << "SABOT_TEST_S3 is not set";
  const auto place = env::StorageOf(uri).ValueOrDie();
  Store store(place.storage, place.path + "/store_test");
  for (const auto& id : store.List().ValueOrDie()) {
    ASSERT_TRUE(place.storage->Remove(place.path + "/store_test/" + id.ToString() + ".json").ok());
  }
  ASSERT_TRUE(store.Sweep(1, std::numeric_limits<int64_t>::max()).ok());
  std::vector<std::string> skipped;
  EXPECT_EQ(store.Newest(skipped).ValueOrDie(), std::nullopt);
  EXPECT_EQ(store.NextAttempt().ValueOrDie(), 1);  // Nothing of earlier runs is left, no folders either.
  const Manifest first = CommitCheckpoint(store, 1, 1).ValueOrDie();
  const Manifest second = CommitCheckpoint(store, 1, 2).ValueOrDie();
  ASSERT_TRUE(WriteCheckpoint(store, 1, 3).ok());
  EXPECT_EQ(store.Newest(skipped).ValueOrDie(), second);
  EXPECT_TRUE(IsOfData(store.Commit(second)));
  ASSERT_TRUE(store.Sweep(1, 2).ok());
  EXPECT_EQ(store.Newest(skipped).ValueOrDie(), second);
  EXPECT_TRUE(IsOfData(store.Open(first.id).status()));
  const auto& names = place.storage->List(place.path + "/store_test").ValueOrDie();
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()), (std::set<std::string>{"1-2", "1-2.json"}));
  EXPECT_TRUE(store.Read(second.operators[1].files[0]).ValueOrDie()->Equals(*StateTable(121, 3)));
  ASSERT_TRUE(place.storage->Remove(place.path + "/store_test/" + second.operators[0].files[0].name).ok());
  EXPECT_TRUE(IsOfData(store.Newest(skipped).status()));
}

TEST(Store, SweepsWhatIsOlderThanTheKeptOnes) {
  Simulated at;
  for (int64_t number = 1; number <= 5; ++number) ASSERT_TRUE(CommitCheckpoint(at.store, 1, number).ok());
  ASSERT_TRUE(at.store.Sweep(9, 1).ok());
  EXPECT_EQ(at.Names().size(), 15u);
  ASSERT_TRUE(at.store.Sweep(2, 1).ok());
  EXPECT_EQ(at.store.List().ValueOrDie(), (std::vector<CheckpointId>{{1, 5}, {1, 4}}));
  EXPECT_EQ(at.Names().size(), 6u);
  for (const auto& id : at.store.List().ValueOrDie()) EXPECT_TRUE(at.store.Open(id).ok());
}

TEST(Store, SweepKeepsFilesOfOlderCheckpointsThatAreStillNamed) {
  Simulated at;
  const Manifest first = CommitCheckpoint(at.store, 1, 1).ValueOrDie();
  Manifest second = WriteCheckpoint(at.store, 1, 2).ValueOrDie();
  second.operators[0].files = first.operators[0].files;  // Nothing changed there since.
  ASSERT_TRUE(at.store.Commit(second).ok());
  ASSERT_TRUE(at.store.Sweep(1, 1).ok());
  EXPECT_EQ(at.Names(), (std::set<std::string>{"1-2.json", "1-1/fast.0.0.arrow", "1-2/fast.1.0.arrow"}));
  EXPECT_EQ(at.Newest().ValueOrDie(), second);
}

TEST(Store, SweepSparesWhatMayBeInTheMaking) {
  Simulated at;
  ASSERT_TRUE(WriteCheckpoint(at.store, 1, 1).ok());  // Aborted.
  ASSERT_TRUE(CommitCheckpoint(at.store, 1, 2).ok());
  ASSERT_TRUE(WriteCheckpoint(at.store, 1, 3).ok());  // Going on.
  ASSERT_TRUE(at.store.Sweep(1, 1).ok());
  std::set<std::string> expected = kFilesOf12;
  expected.insert({"1-3/fast.0.0.arrow", "1-3/fast.1.0.arrow"});
  EXPECT_EQ(at.Names(), expected);
  ASSERT_TRUE(at.store.Sweep(1, 2).ok());  // Attempt 1 has died.
  EXPECT_EQ(at.Names(), kFilesOf12);
}

TEST(Store, SweepCountsOnlyWhatCanBeUsed) {
  Simulated at;
  for (int64_t number = 1; number <= 4; ++number) ASSERT_TRUE(CommitCheckpoint(at.store, 1, number).ok());
  at.Put("1-4.json", "torn");
  at.Put("1-3/fast.0.0.arrow", "torn");
  ASSERT_TRUE(at.store.Sweep(1, 2).ok());
  std::set<std::string> expected = kFilesOf12;  // And what is newer and damaged, which somebody may repair.
  expected.insert({"1-3.json", "1-3/fast.0.0.arrow", "1-3/fast.1.0.arrow"});
  expected.insert({"1-4.json", "1-4/fast.0.0.arrow", "1-4/fast.1.0.arrow"});
  EXPECT_EQ(at.Names(), expected);
  ASSERT_TRUE(CommitCheckpoint(at.store, 2, 1).ok());
  ASSERT_TRUE(at.store.Sweep(2, 2).ok());
  EXPECT_EQ(at.store.List().ValueOrDie(), (std::vector<CheckpointId>{{2, 1}, {1, 2}}));
}

TEST(Store, SweepOfNothingUsableRemovesNothing) {
  Simulated at;
  ASSERT_TRUE(WriteCheckpoint(at.store, 1, 1).ok());
  at.Put("1-1.json", "torn");
  const auto before = at.Names();
  ASSERT_TRUE(at.store.Sweep(1, 2).ok());
  EXPECT_EQ(at.Names(), before);
  ASSERT_TRUE(at.disk->Remove("jobs/prices/1-1.json").ok());
  ASSERT_TRUE(at.store.Sweep(1, 2).ok());  // Now nobody can name them.
  EXPECT_TRUE(at.Names().empty());
}

}  // namespace
}  // namespace sabot::checkpoint
