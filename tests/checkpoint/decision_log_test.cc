#include "sabot/checkpoint/decision_log.h"

#include <arrow/util/io_util.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <limits>
#include <string>

#include "sabot/data/errors.h"
#include "tests/connectors/temporary_folder.h"

namespace sabot::checkpoint {
namespace {

constexpr int64_t kRoom = int64_t{1} << 30;
constexpr char kFolder[] = "jobs/prices/decisions";
constexpr char kAdvice[] =
    " Bring the file back. If the process died while it wrote it, nothing depends on it yet, and it may be removed.";

Decision At(int64_t offset, int64_t time, int partition = 0) {
  return {.source = "ticks", .partition = partition, .offset = offset, .time = time};
}

std::unique_ptr<DecisionLog> Opened(const std::shared_ptr<env::Storage>& disk, int64_t attempt,
                                    const LogPosition& from = {}) {
  return DecisionLog::Open(disk, kFolder, attempt, from).ValueOrDie();
}

// Attempt 1 wrote three files, attempt 2 two.
std::shared_ptr<env::SimulatedStorage> Written() {
  const auto disk = env::MakeSimulatedStorage(kRoom);
  const auto first = Opened(disk, 1);
  EXPECT_TRUE(first->Append({At(10, 100)}).ok());
  EXPECT_TRUE(first->Append({At(10, 110), At(7, 110, 1)}).ok());
  EXPECT_TRUE(first->Append({At(10, 120)}).ok());
  const auto second = Opened(disk, 2);
  EXPECT_TRUE(second->Append({At(20, 200)}).ok());
  EXPECT_TRUE(second->Append({At(30, 300)}).ok());
  return disk;
}

bool IsOfData(const arrow::Status& status) { return data::KindOf(status) == data::ErrorKind::kData; }

std::string Path(const std::string& name) { return kFolder + ("/" + name); }

// --- Wrong use. ---

TEST(DecisionLog, TakesNothingThatItWouldNotGiveBack) {
  const auto disk = env::MakeSimulatedStorage(kRoom);
  const auto log = Opened(disk, 1);
  Decision nameless = At(1, 1);
  nameless.source = "";
  EXPECT_EQ(log->Append({At(1, 1), nameless}).message(),
            "decision log 'jobs/prices/decisions/1-1.json': $.decisions[1].source: found empty text, expected a name.");
  EXPECT_TRUE(IsOfData(log->Append({At(1, 1, -1)})));
  EXPECT_TRUE(IsOfData(log->Append({At(-1, 1)})));
  EXPECT_TRUE(IsOfData(log->Append({At(1, std::numeric_limits<int64_t>::max())})));
  EXPECT_TRUE(disk->files().empty());
  EXPECT_TRUE(log->taken().empty());
}

TEST(DecisionLog, AnAttemptWritesOnce) {
  const auto disk = Written();
  for (const int64_t attempt : {0, 1, 2}) {
    const auto status = DecisionLog::Open(disk, kFolder, attempt).status();
    EXPECT_TRUE(IsOfData(status));
    EXPECT_EQ(status.message(), "decision log: attempt " + std::to_string(attempt) +
                                    " cannot write in 'jobs/prices/decisions', where attempt 2 has. Start the job "
                                    "again, as a new attempt.");
  }
  const auto one = Opened(disk, 3), other = Opened(disk, 3);
  EXPECT_TRUE(one->Append({At(1, 1)}).ok());
  const auto status = other->Append({At(2, 2)});
  EXPECT_TRUE(IsOfData(status));
  EXPECT_TRUE(status.message().starts_with("decision log 'jobs/prices/decisions/3-1.json' is there already."))
      << status;
  EXPECT_EQ(Opened(disk, 4)->taken().back(), At(1, 1));
}

TEST(DecisionLog, AFullDiskIsItsOwnError) {
  const auto disk = env::MakeSimulatedStorage(100);
  const auto log = Opened(disk, 1);
  EXPECT_EQ(arrow::internal::ErrnoFromStatus(log->Append({At(1, 1)})), ENOSPC);
  EXPECT_TRUE(log->taken().empty());
  EXPECT_TRUE(disk->files().empty());
}

// --- What is damaged is named. ---

TEST(DecisionLog, NamesWhatItCannotRead) {
  struct Case {
    std::function<std::string(const std::string& bytes)> damage;
    std::string message;
  };
  const auto whole = Written()->files();
  const std::vector<Case> cases = {
      {[](const std::string& bytes) { return bytes.substr(0, bytes.size() / 2); }, "line "},
      {[](const std::string&) { return ""; }, "the text is empty."},
      {[](const std::string&) { return "{\"attempt\": 1}"; }, "$: the member 'version' is missing."},
      {[](const std::string&) { return "{\"version\": 2}"; },
       "$.version: found 2, expected 1. Use the Sabot that wrote it."},
      {[&](const std::string&) { return whole.at(Path("1-3.json")); }, "attempt and number: found 1-3, expected 1-2."},
      {[](std::string bytes) { return bytes.replace(bytes.find("110"), 3, "111"); }, "$.sha256: found '"},
  };
  for (const Case& one : cases) {
    const auto disk = Written();
    disk->Put(Path("1-2.json"), one.damage(whole.at(Path("1-2.json"))));
    const auto status = DecisionLog::Read(*disk, kFolder).status();
    EXPECT_TRUE(IsOfData(status)) << status;
    const std::string begin = "decision log 'jobs/prices/decisions/1-2.json': " + one.message;
    EXPECT_EQ(status.message().substr(0, begin.size()), begin);
    EXPECT_TRUE(status.message().ends_with(kAdvice)) << status;
  }
}

TEST(DecisionLog, NoChangedByteIsRead) {
  const auto disk = Written();
  const std::string bytes = disk->files().at(Path("1-2.json"));
  const auto entries = DecisionLog::Read(*disk, kFolder).ValueOrDie();
  for (std::size_t byte = 0; byte < bytes.size(); ++byte) {
    std::string changed = bytes;
    changed[byte] = static_cast<char>(changed[byte] ^ 1);
    disk->Put(Path("1-2.json"), changed);
    const auto found = DecisionLog::Read(*disk, kFolder);
    // White space is no part of what is digested.
    EXPECT_TRUE(found.ok() ? *found == entries : IsOfData(found.status())) << byte;
  }
}

TEST(DecisionLog, NamesWhatIsMissing) {
  for (const std::string name : {"1-1.json", "1-2.json", "2-1.json"}) {
    const auto disk = Written();
    ASSERT_TRUE(disk->Remove(Path(name)).ok());
    const auto status = DecisionLog::Read(*disk, kFolder).status();
    EXPECT_TRUE(IsOfData(status));
    EXPECT_TRUE(status.message().starts_with("decision log '" + Path(name) + "' is missing, and '")) << status;
  }
  const auto disk = Written();
  ASSERT_TRUE(disk->Remove(Path("1-2.json")).ok());
  EXPECT_TRUE(IsOfData(DecisionLog::Read(*disk, kFolder, {1, 2}).status()));
  EXPECT_EQ(DecisionLog::Read(*disk, kFolder, {1, 3}).ValueOrDie().size(), 3U);
}

TEST(DecisionLog, AStorageThatFailsHasLostNothing) {
  const auto disk = Written();
  disk->FailAfter(0);
  EXPECT_FALSE(disk->Remove("x").ok());
  EXPECT_TRUE(DecisionLog::Read(*disk, kFolder).status().IsIOError());
}

// --- Values. ---

TEST(DecisionLog, GivesBackWhatAllAttemptsDecided) {
  const auto disk = Written();
  const std::vector<Decision> taken = {At(10, 100), At(10, 110), At(7, 110, 1), At(10, 120), At(20, 200), At(30, 300)};
  EXPECT_EQ(DecisionLog::NextAttempt(*disk, kFolder).ValueOrDie(), 3);
  const auto log = Opened(disk, 7);
  EXPECT_EQ(log->taken(), taken);
  ASSERT_TRUE(log->Append({}).ok());
  EXPECT_EQ(disk->files().size(), 5U);
  const Decision least = At(0, std::numeric_limits<int64_t>::min());
  const Decision greatest =
      At(std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::max() - 1, std::numeric_limits<int>::max());
  ASSERT_TRUE(log->Append({least, greatest}).ok());
  const auto entries = DecisionLog::Read(*disk, kFolder, {2, 2}).ValueOrDie();
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0], (DecisionLog::Entry{.at = {2, 2}, .decisions = {At(30, 300)}}));
  EXPECT_EQ(entries[1], (DecisionLog::Entry{.at = {7, 1}, .decisions = {least, greatest}}));
  EXPECT_EQ(log->taken().back(), greatest);
}

TEST(DecisionLog, OfNoFolderThereIsNone) {
  const auto disk = env::MakeSimulatedStorage(kRoom);
  EXPECT_EQ(DecisionLog::NextAttempt(*disk, kFolder).ValueOrDie(), 1);
  EXPECT_TRUE(Opened(disk, 1)->taken().empty());
}

TEST(DecisionLog, CountsNumbersAndNotLetters) {
  const auto disk = env::MakeSimulatedStorage(kRoom);
  const auto log = Opened(disk, 9);
  for (int64_t number = 1; number <= 12; ++number) ASSERT_TRUE(log->Append({At(number, number)}).ok());
  ASSERT_TRUE(Opened(disk, 10)->Append({At(13, 13)}).ok());
  for (const char* name : {"README", "9-01.json", "11-1", "9-3.json.bak"}) disk->Put(Path(name), "");
  const auto entries = DecisionLog::Read(*disk, kFolder).ValueOrDie();
  ASSERT_EQ(entries.size(), 13U);
  for (int64_t number = 1; number <= 13; ++number) {
    EXPECT_EQ(entries[static_cast<std::size_t>(number - 1)].decisions.front(), At(number, number));
  }
}

SourceState Source(int64_t offset, int64_t time, int partition = 0) {
  return {.uid = "ticks", .partition = partition, .offset = offset, .time = time, .ended = false};
}

TEST(DecisionLog, KnowsWhatACheckpointNeeds) {
  const auto disk = Written();
  const auto log = Opened(disk, 3);
  EXPECT_EQ(log->FirstNeeded({}), (LogPosition{1, 1}));
  EXPECT_EQ(log->FirstNeeded({Source(9, 50), Source(7, 111, 1)}), (LogPosition{1, 1}));
  EXPECT_EQ(log->FirstNeeded({Source(10, 50), Source(7, 111, 1)}), (LogPosition{1, 1}));
  EXPECT_EQ(log->FirstNeeded({Source(10, 100), Source(7, 111, 1)}), (LogPosition{1, 1}));
  EXPECT_EQ(log->FirstNeeded({Source(10, 101), Source(7, 111, 1)}), (LogPosition{1, 2}));
  EXPECT_EQ(log->FirstNeeded({Source(10, 111), Source(7, 110, 1)}), (LogPosition{1, 2}));
  EXPECT_EQ(log->FirstNeeded({Source(10, 111), Source(7, 111, 1)}), (LogPosition{1, 3}));
  EXPECT_EQ(log->FirstNeeded({Source(20, 121), Source(8, 50, 1)}), (LogPosition{2, 1}));
  EXPECT_EQ(log->FirstNeeded({Source(30, 301), Source(8, 50, 1)}), (LogPosition{3, 1}));  // The next to be written.
  EXPECT_EQ(log->FirstNeeded({Source(31, 50)}), (LogPosition{1, 2}));                     // Of the other, all.
}

TEST(DecisionLog, DropsWhatNoCheckpointNeeds) {
  const auto disk = Written();
  disk->Put(Path("2-3.json.77-1.partial"), "");
  disk->Put(Path("3-1.json.78-1.partial"), "");  // In the making.
  const auto log = DecisionLog::Open(disk, kFolder, 4).ValueOrDie();
  ASSERT_TRUE(log->Trim({2, 1}).ok());
  EXPECT_EQ(log->taken(), (std::vector<Decision>{At(20, 200), At(30, 300)}));
  EXPECT_EQ(disk->files().size(), 2U);
  EXPECT_EQ(DecisionLog::Read(*disk, kFolder, {2, 1}).ValueOrDie().size(), 2U);
  ASSERT_TRUE(log->Append({At(40, 400)}).ok());
  ASSERT_TRUE(log->Trim({4, 2}).ok());
  EXPECT_TRUE(disk->files().empty());
  ASSERT_TRUE(log->Append({At(50, 500)}).ok());
  EXPECT_EQ(Opened(disk, 5, {4, 2})->taken(), (std::vector<Decision>{At(50, 500)}));
}

TEST(DecisionLog, IsFoundOnADisk) {
  const connectors::TemporaryFolder folder;
  const auto place = env::StorageOf(folder / "prices/decisions").ValueOrDie();
  const auto log = DecisionLog::Open(place.storage, place.path, 1).ValueOrDie();
  ASSERT_TRUE(log->Append({At(1, 2), At(3, 4, 1)}).ok());
  const auto next = DecisionLog::Open(place.storage, place.path, 2).ValueOrDie();
  EXPECT_EQ(next->taken(), (std::vector<Decision>{At(1, 2), At(3, 4, 1)}));
  ASSERT_TRUE(next->Trim({1, 2}).ok());
  EXPECT_TRUE(place.storage->List(place.path).ValueOrDie().empty());
}

// The power fails at every write, commit and removal: whatever a caller was told is durable is found, and what is torn
// is named and may be removed.
void CrashEverywhere(bool tears) {
  bool crashed = true;
  int torn = 0;
  for (int64_t operations = 0; crashed; ++operations) {
    SCOPED_TRACE(operations);
    const auto disk = Written();
    auto log = Opened(disk, 3);
    disk->FailAfter(operations, tears);
    LogPosition from;
    const auto run = [&]() -> arrow::Status {
      ARROW_RETURN_NOT_OK(log->Append({At(40, 400)}));
      ARROW_RETURN_NOT_OK(log->Append({At(50, 500), At(8, 500, 1)}));
      from = {2, 1};  // A manifest says so.
      ARROW_RETURN_NOT_OK(log->Trim(from));
      return log->Append({At(60, 600)});
    };
    crashed = !run().ok();
    std::vector<Decision> promised = log->taken();
    disk->Restart();

    auto found = DecisionLog::Read(*disk, kFolder, from);
    if (!found.ok()) {
      ASSERT_TRUE(tears && crashed) << found.status();
      ++torn;
      ASSERT_TRUE(IsOfData(found.status())) << found.status();
      const std::string message = found.status().message();
      EXPECT_TRUE(message.ends_with(kAdvice)) << message;
      const auto begin = message.find('\'') + 1;
      ASSERT_TRUE(disk->Remove(message.substr(begin, message.find('\'', begin) - begin)).ok());
    }
    const auto next = Opened(disk, 4, from);
    if (from == LogPosition{2, 1}) {  // Of what it may drop, memory may know more.
      std::erase_if(promised, [](const Decision& one) { return one.offset < 20; });
    }
    auto taken = next->taken();
    std::erase_if(taken, [&](const Decision& one) { return from == LogPosition{2, 1} && one.offset < 20; });
    EXPECT_EQ(taken, promised);
    ASSERT_TRUE(next->Append({At(70, 700)}).ok());
    ASSERT_TRUE(next->Trim({4, 1}).ok());
    EXPECT_EQ(disk->files().size(), 1U);
  }
  EXPECT_EQ(torn > 0, tears);
}

TEST(DecisionLog, KeepsWhatItPromisedWhenThePowerFails) { CrashEverywhere(/*tears=*/false); }

TEST(DecisionLog, KeepsWhatItPromisedOnADiskThatTears) { CrashEverywhere(/*tears=*/true); }

}  // namespace
}  // namespace sabot::checkpoint
