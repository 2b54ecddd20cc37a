#include "sabot/shuffle/frame_header.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>

#include "sabot/data/errors.h"
#include "sabot/shuffle/wire_bytes.h"

namespace sabot::shuffle {
namespace {

const FrameHeader kHeader{.kind = WireKind::kBarrier,
                          .flags = 0x0102,
                          .attempt = 0x03040506,
                          .up = 0x0708,
                          .part = 0x090A,
                          .seq = 0x0B0C0D0E0F101112,
                          .rows = 0x13141516,
                          .bytes = 0x1718191A};

Hello Greeting() {
  return {.job = "job",
          .attempt = 3,
          .plan = "p1",
          .edge = "map->sum",
          .key_groups = 256,
          .schema = "s1",
          .math = "m1",
          .segment_bytes = 32768,
          .channel_segments = 2};
}

std::string RandomBytes(std::mt19937_64& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

// --- Wrong use. ---

TEST(FrameHeader, WhatIsWrongIsNamed) {
  const std::string frame = EncodeFrame(kHeader, "more");
  const auto message = [](const std::string& bytes) { return DecodeFrame(bytes).status().message(); };
  EXPECT_NE(message("").find("it has 0 bytes, not 40"), std::string::npos);
  EXPECT_NE(message(frame.substr(0, 39)).find("it has 39 bytes, not 40"), std::string::npos);
  EXPECT_NE(message("GET / HTTP/1.1\r\nHost: somewhere else.example\r\n").find("it begins with"), std::string::npos);
  EXPECT_NE(message(frame + "x").find("cut or continued"), std::string::npos);
  EXPECT_NE(message(frame.substr(0, frame.size() - 1)).find("cut or continued"), std::string::npos);
  std::string other = frame;
  other[4] = 2;
  EXPECT_NE(message(other).find("it is of version 2, not 1"), std::string::npos);
  FrameHeader unknown = kHeader;
  unknown.kind = static_cast<WireKind>(8);
  EXPECT_NE(message(EncodeFrame(unknown, "")).find("its kind is 8"), std::string::npos);
  EXPECT_EQ(data::KindOf(DecodeFrame("").status()), data::ErrorKind::kData);
}

TEST(FrameHeader, EveryFlippedBitIsSeen) {
  const std::string frame = EncodeFrame(kHeader, "what its kind adds");
  for (std::size_t bit = 0; bit < frame.size() * 8; ++bit) {
    std::string damaged = frame;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(DecodeFrame(damaged).ok()) << bit;
  }
}

TEST(FrameHeader, AnyBytesAreRead) {
  std::mt19937_64 random(1);
  const std::string begin = EncodeFrame(kHeader, "").substr(0, 6);
  for (int i = 0; i < 20'000; ++i) {
    const std::string bytes = RandomBytes(random, random() % 80);
    EXPECT_FALSE(DecodeFrame(bytes).ok());
    EXPECT_FALSE(DecodeFrame(begin + bytes).ok());
    static_cast<void>(DecodeHello(bytes));  // Has no checksum of its own: a frame carries it.
  }
}

TEST(Hello, NamesTheFirstDifference) {
  Hello other = Greeting();
  EXPECT_TRUE(Greeting().Check(other, "b:1").ok());
  other.attempt = 4;
  EXPECT_EQ(
      Greeting().Check(other, "b:1").message(),
      "shuffle: b:1 and this worker do not run the same: the attempt is 4 there and 3 here. The stream is refused.");
  const auto differs = [](auto change, const std::string& what) {
    Hello changed = Greeting();
    change(changed);
    EXPECT_NE(Greeting().Check(changed, "b:1").message().find(what), std::string::npos) << what;
  };
  differs([](Hello& hello) { hello.job = "x"; }, "the job is 'x' there and 'job' here");
  differs([](Hello& hello) { hello.plan = "x"; }, "the plan");
  differs([](Hello& hello) { hello.edge = "x"; }, "the edge");
  differs([](Hello& hello) { hello.key_groups = 1; }, "the number of key groups is 1 there and 256 here");
  differs([](Hello& hello) { hello.schema = "x"; }, "the schema");
  differs([](Hello& hello) { hello.math = "x"; }, "the math library");
  differs([](Hello& hello) { hello.segment_bytes = 1; }, "segment_bytes is 1 there and 32768 here");
  differs([](Hello& hello) { hello.channel_segments = 1; }, "channel_segments");
}

TEST(Hello, CutAnywhereItIsNone) {
  const std::string bytes = EncodeHello(Greeting());
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(DecodeHello(bytes.substr(0, size)).ok());
  EXPECT_FALSE(DecodeHello(bytes + "x").ok());
}

// --- Values. ---

TEST(FrameHeader, StandsInTheseBytes) {
  const std::string frame = EncodeFrame(kHeader, "");
  ASSERT_EQ(frame.size(), kFrameHeaderBytes);
  const std::string before_checksum(
      "SAbF\x01\x04\x02\x01\x06\x05\x04\x03\x08\x07\x0A\x09\x12\x11\x10\x0F\x0E\x0D\x0C\x0B\x16\x15\x14\x13"
      "\x1A\x19\x18\x17\x00\x00\x00\x00",
      36);
  EXPECT_EQ(frame.substr(0, 36), before_checksum);
}

TEST(FrameHeader, ComesBack) {
  for (const std::string more : {"", "m", "what its kind adds"}) {
    const std::string bytes = EncodeFrame(kHeader, more);
    const auto frame = DecodeFrame(bytes).ValueOrDie();
    EXPECT_EQ(frame.header, kHeader);
    EXPECT_EQ(frame.more, more);
  }
  EXPECT_TRUE(Greeting().Check(DecodeHello(EncodeHello(Greeting())).ValueOrDie(), "").ok());
}

TEST(WireBytes, ExtremesComeBack) {
  const data::Place place{.time = std::numeric_limits<int64_t>::min(), .source = -1, .offset = 77};
  const std::string bytes =
      WireWriter().Put(int64_t{-2}).Put(uint8_t{255}).PutPlace(place).PutPlace(data::kEndPlace).PutBytes("").Take();
  WireReader reader(bytes);
  EXPECT_EQ(reader.Get<int64_t>(), -2);
  EXPECT_EQ(reader.Get<uint8_t>(), 255);
  EXPECT_EQ(reader.GetPlace(), place);
  EXPECT_EQ(reader.GetPlace(), data::kEndPlace);
  EXPECT_EQ(reader.GetBytes(), "");
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(reader.Get<uint8_t>(), 0);
  EXPECT_FALSE(reader.ok());
}

}  // namespace
}  // namespace sabot::shuffle
