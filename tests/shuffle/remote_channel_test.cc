#include "sabot/shuffle/remote_channel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "sabot/data/errors.h"
#include "sabot/env/simulated_transport.h"
#include "sabot/shuffle/wire_bytes.h"
#include "tests/shuffle/channel_probe.h"

namespace sabot::shuffle {
namespace {

constexpr const char* kPath = "/shuffle/1";
const env::SimulatedNetwork::Choose kFirst = [](std::size_t) { return std::size_t{0}; };

RemoteStream StreamOf(std::shared_ptr<arrow::Schema> schema, int channels = 1) {
  RemoteStream stream{
      .hello = {.job = "job", .attempt = 3, .plan = "plan", .edge = "sum", .key_groups = 256, .math = "m"},
      .schema = std::move(schema),
      .channels = {}};
  for (int i = 0; i < channels; ++i) stream.channels.push_back({.up = static_cast<uint16_t>(i), .part = 7});
  return stream;
}

struct Settings {
  int32_t own = 2;
  int32_t shared = 0;
  int64_t segment_bytes = 1024;
  arrow::MemoryPool* pool = arrow::default_memory_pool();
};

// Two workers and a stream between them, over a network in memory.
struct Pair {
  Pair(const RemoteStream& stream, const Settings& with) {
    const SegmentSettings settings{
        .segment_bytes = with.segment_bytes, .channel_segments = with.own, .shuffle_segments = with.shared};
    sender = RemoteSender::Make(stream, settings).ValueOrDie();
    EXPECT_TRUE(producer->Listen(kPath, [this](auto connection) { sender->Accept(std::move(connection)); }).ok());
    credits =
        SegmentPool::Make(settings).ValueOrDie()->Reserve(static_cast<int32_t>(stream.channels.size())).ValueOrDie();
    receiver = RemoteReceiver::Make(stream, {stream.channels.size(), credits},
                                    consumer->Connect("p:1", kPath).ValueOrDie(), with.pool)
                   .ValueOrDie();
  }
  void DeliverAll() {
    while (network.DeliverOne(kFirst)) continue;
  }
  Channel& out(std::size_t i = 0) { return *sender->channels()[i]; }
  Channel& in(std::size_t i = 0) { return *receiver->channels()[i]; }
  std::string Next() {
    const auto frame = in().Receive().ValueOrDie();
    return frame ? Word(*frame) : "nothing";
  }

  env::SimulatedNetwork network;
  std::unique_ptr<env::Transport> producer = network.MakeTransport("p:1");
  std::unique_ptr<env::Transport> consumer = network.MakeTransport("c:1");
  std::unique_ptr<RemoteSender> sender;
  std::shared_ptr<FloatingCredits> credits;
  std::unique_ptr<RemoteReceiver> receiver;
};

std::shared_ptr<arrow::Schema> Numbers(int32_t padding = 0) { return NumberedRows(0, 0, padding).rows->schema(); }

// A producer that says what the test wants it to say.
struct FakeProducer {
  explicit FakeProducer(const Settings& with) : stream(StreamOf(Numbers())) {
    const SegmentSettings settings{
        .segment_bytes = with.segment_bytes, .channel_segments = with.own, .shuffle_segments = with.shared};
    EXPECT_TRUE(producer
                    ->Listen(kPath,
                             [this](auto accepted) {
                               connection = std::move(accepted);
                               connection->Start(
                                   [this](const env::Message& m) { heard.push_back(m.header->ToString()); },
                                   [](const arrow::Status&) {});
                             })
                    .ok());
    credits = SegmentPool::Make(settings).ValueOrDie()->Reserve(1).ValueOrDie();
    receiver = RemoteReceiver::Make(stream, {credits}, consumer->Connect("p:1", kPath).ValueOrDie()).ValueOrDie();
    DeliverAll();
    hello = DecodeHello(DecodeFrame(heard.at(0)).ValueOrDie().more).ValueOrDie();
  }
  void DeliverAll() {
    while (network.DeliverOne(kFirst)) continue;
  }
  void Say(const FrameHeader& header, const std::string& more, const std::string& body = "") {
    env::Message message{.header = arrow::Buffer::FromString(EncodeFrame(header, more))};
    if (!body.empty()) message.body.push_back(arrow::Buffer::FromString(body));
    ASSERT_TRUE(connection->Send(std::move(message)).ok());
    DeliverAll();
  }
  void Greet() { Say({.kind = WireKind::kHello, .attempt = 3}, EncodeHello(hello)); }
  arrow::Status Error() { return receiver->channels()[0]->Receive().status(); }

  RemoteStream stream;
  env::SimulatedNetwork network;
  std::unique_ptr<env::Transport> producer = network.MakeTransport("p:1");
  std::unique_ptr<env::Transport> consumer = network.MakeTransport("c:1");
  std::unique_ptr<env::Connection> connection;
  std::shared_ptr<FloatingCredits> credits;
  std::unique_ptr<RemoteReceiver> receiver;
  std::vector<std::string> heard;
  Hello hello;
};

bool Says(const arrow::Status& status, const std::string& what) {
  return status.message().find(what) != std::string::npos;
}

// --- Wrong use. ---

TEST(RemoteChannel, AColumnThatCannotTravelIsNamed) {
  const auto schema = arrow::schema({arrow::field("flag", arrow::dictionary(arrow::int8(), arrow::boolean()))});
  const auto status = RemoteSender::Make(StreamOf(schema), {}).status();
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kSchema);
  EXPECT_TRUE(Says(status, "column 'flag' of type dictionary<values=bool")) << status;
  const auto nested =
      arrow::schema({arrow::field("legs", arrow::list(arrow::dictionary(arrow::int8(), arrow::utf8())))});
  EXPECT_TRUE(Says(RemoteSender::Make(StreamOf(nested), {}).status(), "column 'legs'"));
  RemoteStream twice = StreamOf(Numbers());
  twice.channels.push_back(twice.channels[0]);
  EXPECT_TRUE(Says(RemoteSender::Make(twice, {}).status(), "channel 0 to 7 twice"));
}

TEST(RemoteChannel, EachEndDoesItsOwn) {
  Pair pair(StreamOf(Numbers()), {});
  EXPECT_TRUE(pair.out().Receive().status().IsInvalid());
  EXPECT_TRUE(pair.in().SendRows(NumberedFrame(0, 1), 0).status().IsInvalid());
  EXPECT_TRUE(pair.in().SendSignal(Frame::End()).IsInvalid());
}

TEST(RemoteChannel, ARowThatCannotFitNamesPlaceBytesAndSetting) {
  Pair pair(StreamOf(Numbers(3000)), {});
  pair.DeliverAll();
  const auto status = pair.out().SendRows(NumberedFrame(17, 2, 3000), 0).status();
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kData);
  EXPECT_TRUE(Says(status, "the row at offset 17 of source 0 has about 3")) << status;
  EXPECT_TRUE(Says(status, "holds 2048 (2 segments of 1024 bytes). Raise segment_bytes or channel_segments."));
}

TEST(RemoteChannel, WhoRunsSomethingElseIsRefusedAndTheNextIsTaken) {
  Pair pair(StreamOf(Numbers()), {});
  RemoteStream old = StreamOf(Numbers());
  old.hello.attempt = 2;
  const auto zombie =
      RemoteReceiver::Make(old, {pair.credits}, pair.consumer->Connect("p:1", kPath).ValueOrDie()).ValueOrDie();
  // The zombie is heard first.
  while (pair.network.DeliverOne([](std::size_t count) { return count - 1; })) continue;
  const auto status = zombie->channels()[0]->Receive().status();
  EXPECT_TRUE(Says(status, "the attempt is 2 there and 3 here")) << status;
  EXPECT_TRUE(Says(status, "edge 'sum' lost p:1/shuffle/1")) << status;
  EXPECT_EQ(pair.out().SendRows(NumberedFrame(0, 5), 0).ValueOrDie(), 5);
  pair.DeliverAll();
  EXPECT_EQ(pair.Next(), "rows 0..4 (1)");
}

TEST(RemoteChannel, AnotherSchemaIsRefused) {
  Pair pair(StreamOf(Numbers()), {});
  const auto other =
      RemoteReceiver::Make(StreamOf(Numbers(4)), {pair.credits}, pair.consumer->Connect("p:1", kPath).ValueOrDie())
          .ValueOrDie();
  pair.DeliverAll();
  EXPECT_TRUE(Says(other->channels()[0]->Receive().status(), "the schema is 'number: int64\npadding"));
}

TEST(RemoteChannel, WhatBreaksTheRulesEndsTheAttempt) {
  const FrameHeader frontier{.kind = WireKind::kFrontier, .attempt = 3, .up = 0, .part = 7};
  const std::string place = WireWriter().PutPlace(PlaceOf(1)).Take();
  const auto error_of = [&](const std::function<void(FakeProducer&)>& say) {
    FakeProducer fake(Settings{});
    say(fake);
    EXPECT_FALSE(fake.Error().ok());
    EXPECT_EQ(DecodeFrame(fake.heard.back()).ValueOrDie().header.kind, WireKind::kCancel);  // And is told why.
    return fake.Error().message();
  };
  const auto expect = [&](const std::string& what, const std::function<void(FakeProducer&)>& say) {
    const std::string message = error_of(say);
    EXPECT_NE(message.find(what), std::string::npos) << message;
  };
  expect("begins without a greeting", [&](FakeProducer& fake) { fake.Say(frontier, place); });
  expect("the plan is 'other' there", [&](FakeProducer& fake) {
    fake.hello.plan = "other";
    fake.Greet();
  });
  expect("frame 1 of channel 0 to 7 came where frame 0 was to come", [&](FakeProducer& fake) {
    fake.Greet();
    FrameHeader skipped = frontier;
    skipped.seq = 1;
    fake.Say(skipped, place);
  });
  expect("frame 0 of channel 0 to 7 came where frame 1 was to come", [&](FakeProducer& fake) {
    fake.Greet();
    fake.Say(frontier, place);
    fake.Say(frontier, place);
  });
  expect("a frame of attempt 2 came to attempt 3", [&](FakeProducer& fake) {
    fake.Greet();
    FrameHeader old = frontier;
    old.attempt = 2;
    fake.Say(old, place);
  });
  expect("a frame for channel 9 to 7, which this stream does not have", [&](FakeProducer& fake) {
    fake.Greet();
    FrameHeader other = frontier;
    other.up = 9;
    fake.Say(other, place);
  });
  expect("a frame of 3 segments came, but channel 0 to 7 had credit for 2", [&](FakeProducer& fake) {
    fake.Greet();
    const std::string body(2049, 'x');
    FrameHeader data = frontier;
    data.kind = WireKind::kData;
    data.bytes = 2049;
    fake.Say(data, place, body);
  });
  expect("says that its body has 7 bytes; it has 0", [&](FakeProducer& fake) {
    fake.Greet();
    FrameHeader data = frontier;
    data.bytes = 7;
    fake.Say(data, place);
  });
  expect("no frame", [&](FakeProducer& fake) {
    fake.Greet();
    ASSERT_TRUE(fake.connection->Send({.header = arrow::Buffer::FromString("GET / HTTP/1.1")}).ok());
    fake.DeliverAll();
  });
}

TEST(RemoteChannel, BytesThatAreNoRowsAreAnError) {
  std::mt19937_64 random(5);
  for (int i = 0; i < 300; ++i) {
    FakeProducer fake(Settings{});
    fake.Greet();
    std::string more = WireWriter().PutPlace(PlaceOf(1)).Put(uint16_t{1}).Put(uint16_t{0xFFFF}).Put(uint8_t{0}).Take();
    WireWriter rest;
    std::string metadata(random() % 100, '\0');
    for (char& byte : metadata) byte = static_cast<char>(random());
    std::string body(8 + random() % 100, '\0');
    for (char& byte : body) byte = static_cast<char>(random());
    more += rest.PutBytes(metadata).Put(static_cast<int64_t>(random() % 120)).Take();
    fake.Say({.kind = WireKind::kData, .attempt = 3, .part = 7, .rows = 3, .bytes = static_cast<uint32_t>(body.size())},
             more, body);
    EXPECT_FALSE(fake.Error().ok());
  }
}

// --- Edges. ---

TEST(RemoteChannel, ABreakIsAnErrorOfBothEndsThatNamesThePeer) {
  Pair pair(StreamOf(Numbers()), {});
  pair.DeliverAll();
  const Wakes wakes(pair.out(), pair.in());
  EXPECT_EQ(pair.Next(), "nothing");
  EXPECT_EQ(pair.out().SendRows(NumberedFrame(0, 1000), 0).ValueOrDie() < 1000, true);
  ASSERT_TRUE(pair.network.BreakOne(kFirst));
  pair.DeliverAll();
  EXPECT_EQ(wakes.sender, 1);
  EXPECT_EQ(wakes.receiver, 1);
  EXPECT_EQ(pair.out().SendSignal(Frame::End()).message(),
            "shuffle: edge 'sum' lost c:1: The connection with c:1 broke.");
  EXPECT_EQ(pair.in().Receive().status().message(),
            "shuffle: edge 'sum' lost p:1/shuffle/1: The connection with p:1/shuffle/1 broke.");
}

TEST(RemoteChannel, APeerThatLeavesAfterTheEndIsNoError) {
  Pair pair(StreamOf(Numbers()), {});
  ASSERT_TRUE(pair.out().SendSignal(Frame::End()).ok());
  pair.DeliverAll();
  pair.sender.reset();
  pair.DeliverAll();
  EXPECT_EQ(pair.Next(), "end");
  EXPECT_EQ(pair.Next(), "nothing");
}

TEST(RemoteChannel, APeerThatLeavesBeforeTheEndIsAnError) {
  Pair pair(StreamOf(Numbers()), {});
  pair.DeliverAll();
  pair.sender.reset();
  pair.DeliverAll();
  EXPECT_TRUE(Says(pair.in().Receive().status(), "closed the connection before the end of the rows"));
}

TEST(RemoteChannel, SignalsBeforeAnybodyConnectedAreKept) {
  Pair pair(StreamOf(Numbers()), {});
  ASSERT_TRUE(pair.out().SendSignal(Frame::Frontier(PlaceOf(1))).ok());
  ASSERT_TRUE(pair.out().SendSignal(Frame::Frontier(PlaceOf(2))).ok());
  ASSERT_TRUE(pair.out().SendSignal(Frame::Barrier(9)).ok());
  ASSERT_TRUE(pair.out().SendSignal(Frame::Frontier(PlaceOf(3))).ok());
  EXPECT_EQ(pair.out().SendRows(NumberedFrame(4, 1), 0).ValueOrDie(), 0);
  const Wakes wakes(pair.out(), pair.in());
  pair.DeliverAll();
  EXPECT_EQ(wakes.sender, 1);
  for (const char* word : {"frontier 2", "barrier 9", "frontier 3", "nothing"}) EXPECT_EQ(pair.Next(), word);
}

TEST(RemoteChannel, FrontiersDoNotFillTheConnection) {
  Pair pair(StreamOf(Numbers()), {});
  pair.DeliverAll();
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(pair.out().SendSignal(Frame::Frontier(PlaceOf(i))).ok());
  int deliveries = 0;
  while (pair.network.DeliverOne(kFirst)) ++deliveries;
  EXPECT_EQ(deliveries, 4);  // The first, that it came, the last, that it came.
  EXPECT_EQ(pair.Next(), "frontier 999");
  EXPECT_EQ(pair.Next(), "nothing");
}

// --- Values. ---

data::Batch Quotes(std::mt19937_64& random, int64_t rows, const std::shared_ptr<arrow::DataType>& index_type) {
  arrow::StringBuilder symbols;
  arrow::Int64Builder indices;
  arrow::DoubleBuilder prices;
  arrow::StringBuilder notes;
  arrow::BooleanBuilder flags;
  const auto values = 1 + random() % 100;
  for (uint64_t i = 0; i < values; ++i) {
    static_cast<void>(random() % 9 == 0 ? symbols.AppendNull() : symbols.Append("S" + std::to_string(random() % 300)));
  }
  for (int64_t row = 0; row < rows; ++row) {
    static_cast<void>(random() % 7 == 0 ? indices.AppendNull()
                                        : indices.Append(static_cast<int64_t>(random() % values)));
    static_cast<void>(random() % 5 == 0 ? prices.AppendNull() : prices.Append(static_cast<double>(random() % 1000)));
    static_cast<void>(notes.Append(std::string(random() % 30, 'n')));
    static_cast<void>(flags.Append(random() % 2 == 0));
  }
  const auto wide = std::static_pointer_cast<arrow::Int64Array>(indices.Finish().ValueOrDie());
  const auto narrow = arrow::MakeBuilder(index_type).ValueOrDie();
  for (int64_t row = 0; row < rows; ++row) {
    static_cast<void>(wide->IsNull(row)
                          ? narrow->AppendNull()
                          : narrow->AppendScalar(*arrow::MakeScalar(index_type, wide->Value(row)).ValueOrDie()));
  }
  const auto type = arrow::dictionary(index_type, arrow::utf8());
  const auto symbol =
      arrow::DictionaryArray::FromArrays(type, narrow->Finish().ValueOrDie(), symbols.Finish().ValueOrDie())
          .ValueOrDie();
  const arrow::ArrayVector columns = {symbol, prices.Finish().ValueOrDie(), notes.Finish().ValueOrDie(),
                                      flags.Finish().ValueOrDie()};
  const auto schema = arrow::schema({arrow::field("symbol", type), arrow::field("price", arrow::float64()),
                                     arrow::field("note", arrow::utf8()), arrow::field("flag", arrow::boolean())});
  return {.rows = arrow::RecordBatch::Make(schema, rows, columns)};
}

// Each row in words, dictionaries looked up.
void AddWords(const Frame& frame, std::vector<std::string>& words) {
  for (int64_t i = 0; i < frame.num_rows(); ++i) {
    const int64_t row = frame.selection ? frame.selection->rows()[static_cast<std::size_t>(i)] : i;
    std::string word;
    for (const auto& column : frame.batch.rows->columns()) {
      auto scalar = column->GetScalar(row).ValueOrDie();
      if (scalar->type->id() == arrow::Type::DICTIONARY) {
        scalar = static_cast<const arrow::DictionaryScalar&>(*scalar).GetEncodedValue().ValueOrDie();
      }
      word += scalar->ToString() + "|";
    }
    words.push_back(word);
  }
}

class RemoteColumns : public testing::TestWithParam<std::shared_ptr<arrow::DataType>> {};
INSTANTIATE_TEST_SUITE_P(IndexTypes, RemoteColumns,
                         testing::Values(arrow::int8(), arrow::uint8(), arrow::int16(), arrow::int32(),
                                         arrow::uint64()),
                         [](const auto& info) { return info.param->ToString(); });

// 300 symbols do not fit into int8: its dictionaries begin anew now and then.
TEST_P(RemoteColumns, DictionariesNullsStringsAndBitsComeBack) {
  std::mt19937_64 random(11);
  Pair pair(StreamOf(Quotes(random, 1, GetParam()).rows->schema()), {.own = 4, .segment_bytes = 2048});
  pair.DeliverAll();
  std::vector<std::string> sent;
  std::vector<std::string> received;
  for (int i = 0; i < 60; ++i) {
    const auto rows = static_cast<int64_t>(1 + random() % 200);
    Frame frame =
        Frame::Rows(Quotes(random, rows, GetParam()).Slice(static_cast<int64_t>(random() % 2), rows), PlaceOf(i));
    if (random() % 2 == 0) {
      std::vector<int32_t> some;
      for (int32_t row = 0; row < frame.batch.num_rows(); row += 3) some.push_back(row);
      frame.selection = SelectionOf(some);
    }
    AddWords(frame, sent);
    for (int64_t begin = 0; begin < frame.num_rows();) {
      begin += pair.out().SendRows(frame, begin).ValueOrDie();
      pair.DeliverAll();
      while (const auto piece = pair.in().Receive().ValueOrDie()) {
        EXPECT_TRUE(piece->batch.rows->schema()->Equals(*frame.batch.rows->schema()));
        EXPECT_TRUE(piece->batch.rows->ValidateFull().ok());
        AddWords(*piece, received);
        pair.in().Release(piece->segments);
      }
      pair.DeliverAll();
    }
  }
  EXPECT_EQ(received, sent);
}

// Rows of a few bytes bring values of a hundred, so that what was to fit does not, and is cut again.
TEST(RemoteChannel, NewValuesOfDictionariesArePaidFor) {
  const auto batch_of = [](int first) {
    std::vector<std::string> symbols;
    for (int i = 0; i < 100; ++i) symbols.push_back(std::string(100, 's') + std::to_string(first + i));
    std::vector<int32_t> indices(100);
    std::iota(indices.begin(), indices.end(), 0);
    const arrow::ArrayVector columns = {arrow::DictionaryArray::FromArrays(ArrayOf<arrow::Int32Builder>(indices),
                                                                           ArrayOf<arrow::StringBuilder>(symbols))
                                            .ValueOrDie()};
    const auto schema = arrow::schema({arrow::field("symbol", columns[0]->type())});
    return data::Batch{.rows = arrow::RecordBatch::Make(schema, 100, columns)};
  };
  Pair pair(StreamOf(batch_of(0).rows->schema()), {.own = 2, .segment_bytes = 1024});
  pair.DeliverAll();
  std::vector<std::string> sent;
  std::vector<std::string> received;
  for (int first = 0; first < 400; first += 50) {  // Half of the values are known.
    const Frame frame = Frame::Rows(batch_of(first), PlaceOf(first));
    AddWords(frame, sent);
    for (int64_t begin = 0; begin < 100;) {
      begin += pair.out().SendRows(frame, begin).ValueOrDie();
      pair.DeliverAll();
      while (const auto piece = pair.in().Receive().ValueOrDie()) {
        AddWords(*piece, received);
        pair.in().Release(piece->segments);
      }
      pair.DeliverAll();
    }
  }
  EXPECT_EQ(received, sent);
}

TEST(RemoteChannel, PlacesAndFrontiersComeBack) {
  Pair pair(StreamOf(Numbers()), {});
  pair.DeliverAll();
  Frame frame = NumberedFrame(5, 300);
  frame.batch.places =
      data::Places::Of(std::vector<Place>(300, {.time = 9, .source = -1, .offset = 1LL << 60})).ValueOrDie();
  frame.frontier = data::kEndPlace;
  const int64_t taken = pair.out().SendRows(frame, 0).ValueOrDie();
  ASSERT_GT(taken, 0);
  ASSERT_LT(taken, 300);
  pair.DeliverAll();
  const auto piece = pair.in().Receive().ValueOrDie();
  EXPECT_EQ(piece->frontier, frame.place(0));
  EXPECT_EQ(piece->place(1), frame.place(1));
  EXPECT_EQ(NumbersOf(*piece).front(), 5);
  pair.in().Release(piece->segments);
  pair.DeliverAll();
  EXPECT_EQ(pair.out().SendRows(frame, taken).ValueOrDie() > 0, true);
}

// --- The laws. ---

struct Lane {
  Channel* out;
  Channel* in;
  std::unique_ptr<RandomSender> sender;
  bool sender_runs = true;
  bool receiver_runs = false;
  std::vector<int32_t> unreleased = {};
  std::vector<int64_t> received = {};
};

class RemoteChannelLaw : public testing::TestWithParam<uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Seeds, RemoteChannelLaw, testing::Range<uint64_t>(0, 200));

TEST_P(RemoteChannelLaw, ReceivedIsSent) {
  std::mt19937_64 random(GetParam());
  constexpr std::size_t kChannels = 3;
  const Settings settings{.own = static_cast<int32_t>(1 + random() % 3), .shared = static_cast<int32_t>(random() % 4)};
  Pair pair(StreamOf(Numbers(100), kChannels), settings);
  std::vector<Lane> lanes;
  lanes.reserve(kChannels);
  for (std::size_t i = 0; i < kChannels; ++i) {
    lanes.push_back({.out = &pair.out(i), .in = &pair.in(i), .sender = nullptr});
    Lane& lane = lanes.back();
    lane.sender = std::make_unique<RandomSender>(*lane.out, random(), 30, 60, 100);
    lane.out->set_wake_sender([&lane] { lane.sender_runs = true; });
    lane.in->set_wake_receiver([&lane] { lane.receiver_runs = true; });
  }
  for (;;) {
    std::vector<std::function<void()>> possible;
    if (pair.network.pending() > 0) {
      possible.emplace_back([&] { pair.network.DeliverOne([&](std::size_t count) { return random() % count; }); });
    }
    for (Lane& lane : lanes) {
      if (lane.sender_runs && !lane.sender->done()) {
        possible.emplace_back([&lane] {
          lane.sender_runs = false;
          if (lane.sender->Step()) lane.sender_runs = true;
        });
      }
      if (lane.receiver_runs) {
        possible.emplace_back([&lane] {
          lane.receiver_runs = false;
          const auto frame = lane.in->Receive().ValueOrDie();
          if (!frame) return;
          lane.receiver_runs = true;
          AddMarks(*frame, lane.received);
          if (frame->segments > 0) lane.unreleased.push_back(frame->segments);
        });
      }
      if (!lane.unreleased.empty()) {
        possible.emplace_back([&lane, &random] {
          const auto some = static_cast<int32_t>(1 + random() % static_cast<uint64_t>(lane.unreleased.front()));
          lane.unreleased.front() -= some;
          if (lane.unreleased.front() == 0) lane.unreleased.erase(lane.unreleased.begin());
          lane.in->Release(some);
        });
      }
    }
    if (possible.empty()) break;
    possible[random() % possible.size()]();
    int64_t held = 0;
    for (const Lane& lane : lanes) {
      held += lane.in->counters().credits_held;
      ASSERT_LE(lane.in->counters().bytes_queued, lane.in->counters().credits_held * 1024);
    }
    ASSERT_LE(held, settings.own * static_cast<int32_t>(kChannels) + settings.shared);
  }
  for (const Lane& lane : lanes) {
    EXPECT_TRUE(lane.sender->done()) << "a wake-up or a credit was lost";
    EXPECT_EQ(lane.received, lane.sender->sent());
    EXPECT_EQ(lane.in->counters().credits_held, 0);
  }
  EXPECT_EQ(pair.credits->left(), settings.shared);
}

// A connection that breaks at any moment: what came is the beginning of what was sent, and both ends hear of it.
TEST_P(RemoteChannelLaw, ABreakLosesNoRowInTheMiddle) {
  std::mt19937_64 random(GetParam());
  Pair pair(StreamOf(Numbers(100)), {.own = 2, .shared = 2});
  RandomSender sender(pair.out(), random(), 1000, 60, 100);
  std::vector<int64_t> received;
  bool sender_failed = false;
  bool receiver_failed = false;
  Frame frame = NumberedFrame(0, 10, 100);
  int64_t next = 0;
  const auto break_at = 20 + random() % 200;
  for (uint64_t step = 0; step < 2000 && !(sender_failed && receiver_failed); ++step) {
    if (step == break_at) pair.network.BreakOne(kFirst);
    switch (random() % 3) {
      case 0:
        pair.network.DeliverOne([&](std::size_t count) { return random() % count; });
        break;
      case 1: {
        if (sender_failed) break;
        const auto taken = pair.out().SendRows(NumberedFrame(next, 10, 100), 0);
        sender_failed = !taken.ok();
        next += taken.ValueOr(0);
        break;
      }
      default: {
        if (receiver_failed) break;
        const auto got = pair.in().Receive();
        receiver_failed = !got.ok();
        if (got.ok() && *got) {
          AddMarks(**got, received);
          pair.in().Release((**got).segments);
        }
      }
    }
  }
  EXPECT_TRUE(sender_failed);
  EXPECT_TRUE(receiver_failed);
  for (std::size_t i = 0; i < received.size(); ++i) ASSERT_EQ(received[i], static_cast<int64_t>(i));
}

// Nobody takes anything: what is held is what the credits allow, counted by the pool that all of it lies in.
TEST(RemoteChannel, AStalledConsumerHoldsItsSegmentsAndNoMore) {
  arrow::ProxyMemoryPool pool(arrow::default_memory_pool());
  constexpr int kChannels = 4;
  Pair pair(StreamOf(Numbers(45), kChannels), {.own = 2, .shared = 8, .segment_bytes = 32 * 1024, .pool = &pool});
  std::vector<int64_t> begins(kChannels, 0);
  const Frame frame = NumberedFrame(0, 100'000, 45);
  for (int round = 0; round < 50; ++round) {
    for (std::size_t i = 0; i < kChannels; ++i) {
      begins[i] += pair.out(i).SendRows(frame, begins[i]).ValueOrDie();
      pair.DeliverAll();
    }
  }
  const int64_t bound = (kChannels * 2 + 8) * 32 * 1024;
  EXPECT_LE(pool.bytes_allocated(), bound);
  EXPECT_GT(pool.bytes_allocated(), bound * 9 / 10);  // And it is put to use.
  EXPECT_LE(pool.max_memory(), bound);
  EXPECT_EQ(pair.credits->left(), 0);
}

}  // namespace
}  // namespace sabot::shuffle
