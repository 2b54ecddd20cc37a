#include "sabot/connectors/reject_file.h"

#include <arrow/util/io_util.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <thread>
#include <vector>

#include "sabot/connectors/csv_source.h"
#include "sabot/data/errors.h"
#include "tests/connectors/sample_rows.h"
#include "tests/connectors/temporary_folder.h"

namespace sabot::connectors {
namespace {

TEST(RejectFile, KeepsTheErrnoOfAFileThatCannotBeMade) {
  const auto status = OpenRejectFile("/no/such/folder/a.csv").status();
  EXPECT_EQ(arrow::internal::ErrnoFromStatus(status), ENOENT);
  EXPECT_EQ(status.message().find("rejects '/no/such/folder/a.csv': "), 0U) << status;
  EXPECT_EQ(data::KindOf(OpenRejectFile("gopher://a").status()), data::ErrorKind::kOption);
}

TEST(RejectFile, AFullDeviceStopsTheRun) {
  if (access("/dev/full", W_OK) != 0) GTEST_SKIP() << "/dev/full is missing";
  const auto rejects = OpenRejectFile("/dev/full").ValueOrDie();
  arrow::Status status;
  for (int row = 0; row < 100'000 && status.ok(); ++row)
    status = rejects->Add({.where = "w", .reason = "r", .row = "x"});
  EXPECT_EQ(arrow::internal::ErrnoFromStatus(status), ENOSPC) << status;
}

TEST(RejectFile, AppearsWhenTheRunEnds) {
  const TemporaryFolder folder;
  const auto rejects = OpenRejectFile(folder / "a.csv").ValueOrDie();
  ASSERT_TRUE(rejects->Add({.where = "csv source 'a' line 2", .reason = "it has 1 fields", .row = "a,\"b\"\n,c"}).ok());
  EXPECT_FALSE(std::filesystem::exists(folder / "a.csv"));
  EXPECT_EQ(rejects->count(), 1);
  ASSERT_TRUE(rejects->Close().ok());
  EXPECT_EQ(BytesOf(folder / "a.csv"),
            "where,reason,row\n\"csv source 'a' line 2\",\"it has 1 fields\",\"a,\"\"b\"\"\n,c\"\n");
  EXPECT_TRUE(rejects->Add({}).IsInvalid());
  EXPECT_TRUE(rejects->Close().IsInvalid());
}

TEST(RejectFile, AppearsWhenARunFailsAfterRejects) {
  const TemporaryFolder folder;
  { const auto none = OpenRejectFile(folder / "none.csv").ValueOrDie(); }
  EXPECT_TRUE(folder.empty());
  { ASSERT_TRUE(OpenRejectFile(folder / "a.csv").ValueOrDie()->Add({.where = "w", .reason = "r", .row = "x"}).ok()); }
  EXPECT_EQ(BytesOf(folder / "a.csv"), "where,reason,row\n\"w\",\"r\",\"x\"\n");
  ASSERT_TRUE(OpenRejectFile(folder / "empty.csv").ValueOrDie()->Close().ok());
  EXPECT_EQ(BytesOf(folder / "empty.csv"), "where,reason,row\n");
}

TEST(RejectFile, ReadsBackWhateverWasRejected) {
  const TemporaryFolder folder;
  WriteBytes(folder / "ticks.csv", "a,b\n1,2\n\"x\"\"y\",\"oops\n3\n");
  const auto rejects = OpenRejectFile(folder / "rejects.csv").ValueOrDie();
  const auto source = ReadCsv(folder / "ticks.csv", {.rejects = rejects}).ValueOrDie();
  EXPECT_EQ(AllRows(*source)->num_rows(), 1);
  ASSERT_TRUE(rejects->Close().ok());
  const BatchPtr rows = AllRows(*ReadCsv(folder / "rejects.csv", {.newlines_in_values = true}).ValueOrDie());
  EXPECT_EQ(rows->column(2)->ToString(), "[\n  \"\"x\"\"y\",\"oops\",\n  \"3\"\n]");
}

TEST(RejectFile, ThreadsMayAddAtOnce) {
  const TemporaryFolder folder;
  const auto rejects = OpenRejectFile(folder / "a.csv").ValueOrDie();
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int row = 0; row < 2'000; ++row)
        ARROW_CHECK_OK(rejects->Add({.where = "where", .reason = "reason", .row = "row"}));
    });
  }
  for (auto& thread : threads) thread.join();
  ASSERT_TRUE(rejects->Close().ok());
  EXPECT_EQ(AllRows(*ReadCsv(folder / "a.csv").ValueOrDie())->num_rows(), 8'000);
}

}  // namespace
}  // namespace sabot::connectors
