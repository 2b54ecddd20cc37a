// Expected digests are those of FIPS 180-4's examples, and what sha256sum prints.
#include "sabot/env/digest.h"

#include <arrow/buffer.h>
#include <arrow/io/memory.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "sabot/env/interrupt.h"

namespace sabot::env {
namespace {

constexpr const char* kOfNothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr const char* kOfAbc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr const char* kOfAMillion = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

TEST(Digest, KnowsTheFormOfADigest) {
  EXPECT_TRUE(IsDigest(kOfAbc));
  EXPECT_FALSE(IsDigest(""));
  EXPECT_FALSE(IsDigest(std::string(63, 'a')));
  EXPECT_FALSE(IsDigest(std::string(64, 'A')));
  EXPECT_FALSE(IsDigest(std::string(64, 'g')));
}

TEST(Digest, IsThatOfTheStandard) {
  EXPECT_EQ(DigestOf("").ValueOrDie(), kOfNothing);
  EXPECT_EQ(DigestOf("abc").ValueOrDie(), kOfAbc);
  EXPECT_EQ(DigestOf(std::string(1'000'000, 'a')).ValueOrDie(), kOfAMillion);
}

TEST(Digest, DoesNotDependOnThePieces) {
  Digest digest = Digest::Make().ValueOrDie();
  const std::string bytes(1'000'000, 'a');
  for (int64_t begin = 0, piece = 1; begin < 1'000'000; begin += piece, piece = piece * 3 + 1) {
    ASSERT_TRUE(digest.Add(bytes.data() + begin, std::min<int64_t>(piece, 1'000'000 - begin)).ok());
  }
  EXPECT_EQ(digest.Finish().ValueOrDie(), kOfAMillion);
}

TEST(Digest, OfAStream) {
  for (const std::string& bytes : {std::string(), std::string("abc"), std::string(2'500'000, 'a')}) {
    arrow::io::BufferReader stream(arrow::Buffer::FromString(bytes));
    EXPECT_EQ(DigestOf(stream).ValueOrDie(), DigestOf(bytes).ValueOrDie());
  }
}

TEST(Digest, OfAStreamIsInterrupted) {
  StopFlag stop;
  const InterruptScope scope(stop);
  arrow::io::BufferReader stream(arrow::Buffer::FromString("abc"));
  stop.Set();
  EXPECT_TRUE(DigestOf(stream).status().IsCancelled());
  EXPECT_EQ(stream.Tell().ValueOrDie(), 0);
}

TEST(DigestStream, HandsOnWhatItDigests) {
  const auto to = arrow::io::BufferOutputStream::Create().ValueOrDie();
  const auto stream = DigestStream::Make(to).ValueOrDie();
  ASSERT_TRUE(stream->Write("a", 1).ok());
  ASSERT_TRUE(stream->Write("bc", 2).ok());
  EXPECT_EQ(stream->Tell().ValueOrDie(), 3);
  ASSERT_TRUE(stream->Close().ok());
  EXPECT_FALSE(stream->Write("d", 1).ok());
  EXPECT_EQ(stream->Finish().ValueOrDie(), kOfAbc);
  EXPECT_EQ(to->Finish().ValueOrDie()->ToString(), "abc");
}

TEST(DigestStream, KeepsTheOrderOfPiecesOfAnySize) {
  const std::string bytes(4'000'000, 'b');
  std::string written;
  const auto to = arrow::io::BufferOutputStream::Create().ValueOrDie();
  const auto stream = DigestStream::Make(to).ValueOrDie();
  for (const int64_t piece : {1, 1'048'575, 1, 1'048'576, 7, 3'000'000, 0, 5}) {
    std::string next = bytes.substr(0, static_cast<std::size_t>(piece));
    if (!next.empty()) next.front() = static_cast<char>('0' + written.size() % 10);
    ASSERT_TRUE(stream->Write(next.data(), piece).ok());
    written += next;
    EXPECT_EQ(stream->Tell().ValueOrDie(), static_cast<int64_t>(written.size()));
  }
  EXPECT_EQ(stream->Finish().ValueOrDie(), DigestOf(written).ValueOrDie());
  EXPECT_EQ(to->Finish().ValueOrDie()->ToString(), written);
}

}  // namespace
}  // namespace sabot::env
