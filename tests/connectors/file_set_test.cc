#include "sabot/connectors/file_set.h"

#include <arpa/inet.h>
#include <arrow/util/io_util.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "sabot/connectors/glob_internal.h"
#include "sabot/data/errors.h"
#include "tests/connectors/temporary_folder.h"

namespace sabot::connectors {
namespace {

using Names = std::vector<std::string>;

const FileSetOptions kOptions = {.connector = "parquet source", .suffixes = {".parquet", ".pq"}};

class FileSet : public testing::Test {
 protected:
  void Make(const std::string& name) {
    const std::filesystem::path path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    WriteBytes(path, name);
  }

  // Below the folder.
  Names Expand(const Names& named, const FileSetOptions& options = kOptions) {
    Names paths;
    for (const std::string& name : named) paths.push_back(folder_ / name);
    const auto files = ExpandFiles(paths, options);
    EXPECT_TRUE(files.ok()) << files.status();
    Names names;
    for (const InputFile& file : files.ValueOr({})) {
      EXPECT_EQ(file.name, file.path);
      EXPECT_EQ(file.bytes, static_cast<int64_t>(file.name.size() - (folder_ / "").size()));
      names.push_back(file.name.substr((folder_ / "").size()));
    }
    return names;
  }

  void ExpectError(const std::string& name, int error, const std::string& message) {
    const auto status = ExpandFiles({folder_ / name}, kOptions).status();
    EXPECT_TRUE(status.IsIOError()) << status;
    EXPECT_EQ(arrow::internal::ErrnoFromStatus(status), error) << status;
    EXPECT_EQ(status.message().find("parquet source '" + (folder_ / name) + "': " + message), 0U) << status;
  }

  TemporaryFolder folder_;
};

// --- Wrong use. ---

TEST_F(FileSet, NothingNamedIsAnOptionError) {
  EXPECT_EQ(data::KindOf(ExpandFiles({}, kOptions).status()), data::ErrorKind::kOption);
  EXPECT_EQ(data::KindOf(ExpandFiles({""}, kOptions).status()), data::ErrorKind::kOption);
  EXPECT_EQ(data::KindOf(ExpandFiles({"gopher://a/b"}, kOptions).status()), data::ErrorKind::kOption);
}

TEST_F(FileSet, NamesFilesLikeTheMissingOne) {
  for (const std::string name : {"ticks.parquet", "quotes.parquet", "x"}) Make(name);
  ExpectError("tics.parquet", ENOENT, "no such file. Nearest names: 'ticks.parquet'.");
  ExpectError("none/a.parquet", ENOENT, "no such file: its folder '" + (folder_ / "none") + "' does not exist.");
  ExpectError("x/a.parquet", ENOTDIR, "");
}

TEST_F(FileSet, SaysWhatAFolderOrAGlobLacks) {
  Make("a.csv");
  Make("_b.parquet");
  Make("c.parquet.17-1.partial");
  ExpectError("", ENOENT,
              "the folder holds no file that ends in .parquet, .pq. Name the files themselves, or another folder.");
  ExpectError("*.parquet", ENOENT, "no file matches. In '");
  ExpectError("none/*.parquet", ENOENT, "no file matches, because '" + (folder_ / "none") + "' is no folder.");
}

TEST_F(FileSet, WhatMayNotBeReadIsNamed) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read every folder";
  Make("closed/a.parquet");
  ASSERT_EQ(chmod((folder_ / "closed").c_str(), 0), 0);
  ExpectError("closed", EACCES, "it may not be read: permission denied.");
  chmod((folder_ / "closed").c_str(), 0700);
}

// --- Edges. ---

TEST_F(FileSet, ANameThatIsThereIsNoGlob) {
  Make("a[1].parquet");
  Make("a1.parquet");
  EXPECT_EQ(Expand({"a[1].parquet"}), Names{"a[1].parquet"});
  EXPECT_EQ(Expand({"a[12].parquet"}), Names{"a1.parquet"});
}

TEST_F(FileSet, HiddenAndUnfinishedFilesStandForThemselvesOnly) {
  for (const std::string name : {".a.parquet", "_b.parquet", "c.parquet.1-1.partial", "d.parquet", ".e/f.parquet"}) {
    Make(name);
  }
  EXPECT_EQ(Expand({""}), Names{"d.parquet"});
  EXPECT_EQ(Expand({"*"}), Names{"d.parquet"});
  EXPECT_EQ(Expand({"**"}), Names{"d.parquet"});
  EXPECT_EQ(Expand({"_b.parquet", ".a.parquet"}), (Names{".a.parquet", "_b.parquet"}));
  EXPECT_EQ(Expand({"_*"}), Names{"_b.parquet"});
}

// --- Values. ---

TEST_F(FileSet, FilesAreSortedAndReadOnce) {
  for (const std::string name : {"b.parquet", "a.parquet", "c/a.pq", "c/d/e.parquet", "f.txt"}) Make(name);
  EXPECT_EQ(Expand({""}), (Names{"a.parquet", "b.parquet", "c/a.pq", "c/d/e.parquet"}));
  EXPECT_EQ(Expand({"c", "b.parquet", "a.parquet", "c/a.pq"}),
            (Names{"a.parquet", "b.parquet", "c/a.pq", "c/d/e.parquet"}));
  EXPECT_EQ(Expand({"f.txt"}), Names{"f.txt"});
  EXPECT_EQ(Expand({""}, {.connector = "x", .suffixes = {}}).size(), 5U);
}

TEST_F(FileSet, GlobsMatchNamesAndFolders) {
  for (const std::string name : {"2024/01/a.parquet", "2024/02/a.parquet", "2024/a.parquet", "2025/01/b.parquet"}) {
    Make(name);
  }
  EXPECT_EQ(Expand({"2024/*.parquet"}), Names{"2024/a.parquet"});
  EXPECT_EQ(Expand({"2024/*/a.parquet"}), (Names{"2024/01/a.parquet", "2024/02/a.parquet"}));
  EXPECT_EQ(Expand({"*/0[1-9]/?.parquet"}), (Names{"2024/01/a.parquet", "2024/02/a.parquet", "2025/01/b.parquet"}));
  EXPECT_EQ(Expand({"**/a.parquet"}), (Names{"2024/01/a.parquet", "2024/02/a.parquet", "2024/a.parquet"}));
  EXPECT_EQ(Expand({"2024/**"}), (Names{"2024/01/a.parquet", "2024/02/a.parquet", "2024/a.parquet"}));
  EXPECT_EQ(Expand({"**/01/**/*.parquet"}), (Names{"2024/01/a.parquet", "2025/01/b.parquet"}));
}

TEST_F(FileSet, PathsMayBeRelative) {
  Make("data/a.parquet");
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder_ / "data");
  for (const std::string name : {"a.parquet", "*.parquet", "**/*.parquet"}) {
    const auto files = ExpandFiles({name}, kOptions);
    ASSERT_TRUE(files.ok()) << files.status();
    EXPECT_EQ(files->front().name, "a.parquet");
  }
  EXPECT_EQ(ExpandFiles({"../data"}, kOptions).ValueOrDie().front().name, "../data/a.parquet");
  EXPECT_EQ(ExpandFiles({"."}, kOptions).ValueOrDie().size(), 1U);
  std::filesystem::current_path(before);
}

TEST_F(FileSet, UrisOfFilesAreFiles) {
  Make("a b.parquet");
  EXPECT_EQ(ExpandFiles({"file://" + (folder_ / "a%20b.parquet")}, kOptions).ValueOrDie().front().name,
            folder_ / "a b.parquet");
}

TEST(FileSetS3, AnEndpointThatRefusesIsNamed) {
  setenv("AWS_ACCESS_KEY_ID", "test", 1);
  setenv("AWS_SECRET_ACCESS_KEY", "test", 1);
  setenv("SABOT_S3_TIMEOUT_S", "1", 1);
  const int bound = socket(AF_INET, SOCK_STREAM, 0);  // A port that nobody listens at.
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  ASSERT_EQ(bind(bound, reinterpret_cast<sockaddr*>(&address), length), 0);
  ASSERT_EQ(getsockname(bound, reinterpret_cast<sockaddr*>(&address), &length), 0);
  const std::string endpoint = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  for (const std::string key : {"a.parquet", "*.parquet", ""}) {
    const std::string uri = "s3://bucket/" + key + "?scheme=http&endpoint_override=" + endpoint;
    const auto status = ExpandFiles({uri}, kOptions).status();
    EXPECT_TRUE(status.IsIOError()) << status;
    EXPECT_EQ(status.message().find("parquet source 's3://bucket/" + key + "': endpoint http://" + endpoint +
                                    ": it cannot be reached. See that it runs and that its address is right: "),
              0U)
        << status;
  }
  close(bound);
  unsetenv("SABOT_S3_TIMEOUT_S");
}

TEST(Glob, MatchesPartByPart) {
  const auto matches = [](const std::string& pattern, const std::string& path) {
    return internal::ParseGlob(pattern).Matches(path);
  };
  EXPECT_EQ(internal::ParseGlob("/a/b*/c").folder, "/a");
  EXPECT_EQ(internal::ParseGlob("/*").folder, "/");
  EXPECT_EQ(internal::ParseGlob("*").folder, "");
  EXPECT_TRUE(matches("a*c", "abc"));
  EXPECT_FALSE(matches("a*c", "ab/c"));
  EXPECT_TRUE(matches("**/c", "c"));
  EXPECT_TRUE(matches("**/c", "a/b/c"));
  EXPECT_FALSE(matches("**/c", "a/.b/c"));
  EXPECT_TRUE(matches("**/**/**/c", "a/c"));
  EXPECT_FALSE(matches("**/b", "a/c"));
}

}  // namespace
}  // namespace sabot::connectors
