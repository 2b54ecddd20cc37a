#include "sabot/env/file_system.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "sabot/env/storage.h"

namespace sabot::env {
namespace {

// A port of this machine: bound and, if asked, listening, but nobody ever answers.
class SilentPort {
 public:
  explicit SilentPort(bool listening) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_TRUE(!listening || listen(socket_, 16) == 0);
    EXPECT_EQ(getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &length), 0);
    name_ = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  }
  ~SilentPort() { close(socket_); }
  SilentPort(const SilentPort&) = delete;
  SilentPort& operator=(const SilentPort&) = delete;

  const std::string& name() const { return name_; }
  std::string Uri() const { return "s3://bucket/a.parquet?scheme=http&endpoint_override=" + name_; }

 private:
  int socket_;
  std::string name_;
};

class S3 : public testing::Test {
 protected:
  void SetUp() override {
    setenv("AWS_ACCESS_KEY_ID", "test", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "test", 1);
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    setenv("SABOT_S3_TIMEOUT_S", "1", 1);
  }
  void TearDown() override { unsetenv("SABOT_S3_TIMEOUT_S"); }

  static void ExpectNamed(const arrow::Status& status, const SilentPort& port, const std::string& cause) {
    EXPECT_TRUE(status.IsIOError()) << status;
    EXPECT_EQ(status.message().find("endpoint http://" + port.name() + ": " + cause), 0U) << status;
  }
};

TEST(FileSystem, ATimeoutIsANumberOfSeconds) {
  for (const std::string text : {"", "0", "-1", "nan", "1e9", "5s", " 5"}) {
    EXPECT_EQ(ParseTimeout(text).status().message(),
              "SABOT_S3_TIMEOUT_S is '" + text + "'. Set a number of seconds from 0.1 to 3600.");
  }
  EXPECT_EQ(ParseTimeout("2.5").ValueOrDie(), 2.5);
}

TEST(FileSystem, OnlyUrisHaveASchemeAndPathsMayHoldColons) {
  EXPECT_EQ(SchemeOf("s3://bucket/key"), "s3");
  EXPECT_EQ(SchemeOf("/data/12:30/a.csv"), "");
  EXPECT_EQ(SchemeOf("a b://c"), "");
  EXPECT_EQ(FileSystemOf("/data/a.csv").ValueOrDie().path, "/data/a.csv");
  EXPECT_EQ(FileSystemOf("file:///data/a%20b.csv").ValueOrDie().path, "/data/a b.csv");
}

TEST(FileSystem, MessagesShowNoSecrets) {
  EXPECT_EQ(PublicName("s3://key:secret@bucket/a/b.csv?scheme=http"), "s3://bucket/a/b.csv");
  EXPECT_EQ(PublicName("s3://key:sec/ret@bucket/b.csv?region=x"), "s3://bucket/b.csv");
  EXPECT_EQ(PublicName("s3://bucket?region=x"), "s3://bucket");
  EXPECT_EQ(PublicName("s3://bucket/a@b"), "s3://bucket/a@b");
  EXPECT_EQ(PublicName("/data/a?b@c"), "/data/a?b@c");
  for (const std::string uri : {"s3://key:secret@bucket/a?nonsense=1", "gs://key:secret@bucket/a"}) {
    const auto status = FileSystemOf(uri).status();
    EXPECT_TRUE(status.IsInvalid());
    EXPECT_EQ(status.message().find("secret"), std::string::npos) << status;
  }
}

TEST_F(S3, ARefusedConnectionNamesTheEndpoint) {
  const SilentPort port(/*listening=*/false);
  const auto place = FileSystemOf(port.Uri()).ValueOrDie();
  EXPECT_EQ(place.path, "bucket/a.parquet");
  const auto status = ExplainEndpoint(place.endpoint, place.file_system->GetFileInfo(place.path).status());
  ExpectNamed(status, port, "it cannot be reached. See that it runs and that its address is right: ");
}

TEST_F(S3, ASilentEndpointIsNotWaitedForWithoutEnd) {
  const SilentPort port(/*listening=*/true);
  const auto place = FileSystemOf(port.Uri()).ValueOrDie();
  const auto status = ExplainEndpoint(place.endpoint, place.file_system->OpenInputFile(place.path).status());
  ExpectNamed(status, port, "it did not answer in time. See that it runs, or set SABOT_S3_TIMEOUT_S higher: ");
}

TEST_F(S3, WritingToSuchAnEndpointFailsAsWell) {
  for (const bool listening : {false, true}) {
    const SilentPort port(listening);
    const auto place = StorageOf(port.Uri()).ValueOrDie();
    auto file = place.storage->Create(place.path);
    arrow::Status status = file.status();
    if (status.ok()) status = (*file)->stream()->Write("x", 1);
    if (status.ok()) status = (*file)->Commit();
    ExpectNamed(status, port, "");
  }
}

}  // namespace
}  // namespace sabot::env
