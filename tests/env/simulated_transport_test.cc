#include "sabot/env/simulated_transport.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace sabot::env {
namespace {

using Log = std::vector<std::string>;

const SimulatedNetwork::Choose kFirst = [](std::size_t) { return std::size_t{0}; };

Message MessageOf(const std::string& header, const std::vector<std::string>& body = {}) {
  Message message{.header = arrow::Buffer::FromString(header)};
  for (const std::string& part : body) message.body.push_back(arrow::Buffer::FromString(part));
  return message;
}

void StartLogging(Connection& connection, const std::string& name, Log& log) {
  connection.Start(
      [&log, name](const Message& message) {
        std::string line = name + " " + message.header->ToString();
        for (const auto& part : message.body) line += "|" + part->ToString();
        log.push_back(line);
      },
      [&log, name](const arrow::Status& status) { log.push_back(name + " closed: " + status.message()); });
}

// Two workers; what connects to b is started and logged as b0, b1, ...
struct Workers {
  SimulatedNetwork network;
  std::unique_ptr<Transport> a = network.MakeTransport("a:1");
  std::unique_ptr<Transport> b = network.MakeTransport("b:1");
  std::vector<std::unique_ptr<Connection>> accepted = {};
  Log log = {};

  Workers() {
    EXPECT_TRUE(b->Listen("/shuffle/1", [this](std::unique_ptr<Connection> connection) {
                   StartLogging(*connection, "b" + std::to_string(accepted.size()), log);
                   accepted.push_back(std::move(connection));
                 }).ok());
  }
  std::unique_ptr<Connection> Connect(const std::string& name) {
    auto connection = a->Connect("b:1", "/shuffle/1").ValueOrDie();
    StartLogging(*connection, name, log);
    return connection;
  }
  void DeliverAll() {
    while (network.DeliverOne(kFirst)) continue;
  }
};

// --- Wrong use. ---

TEST(SimulatedTransport, NobodyListens) {
  Workers workers;
  EXPECT_TRUE(workers.b->Listen("/shuffle/1", {}).IsAlreadyExists());
  const auto connection = workers.a->Connect("b:1", "/shuffle/2").ValueOrDie();
  StartLogging(*connection, "a", workers.log);
  EXPECT_TRUE(connection->Send(MessageOf("lost")).ok());
  workers.DeliverAll();
  EXPECT_EQ(workers.log, Log{"a closed: The connection with b:1/shuffle/2 was refused: nobody listens there."});
  EXPECT_TRUE(connection->Send(MessageOf("late")).IsIOError());
}

// --- Edges. ---

TEST(SimulatedTransport, AnEndIsHeardBehindWhatWasSent) {
  Workers workers;
  const auto connection = workers.Connect("a");
  workers.DeliverAll();
  ASSERT_TRUE(workers.accepted[0]->Send(MessageOf("unheard")).ok());
  ASSERT_TRUE(connection->Send(MessageOf("last")).ok());
  connection->Close();
  workers.DeliverAll();
  EXPECT_EQ(workers.log, (Log{"b0 last", "b0 closed: "}));
  EXPECT_TRUE(connection->Send(MessageOf("x")).IsIOError());
  EXPECT_EQ(workers.network.pending(), 0u);
}

TEST(SimulatedTransport, ABreakIsHeardAtBothEndsAndLosesWhatIsUnderWay) {
  Workers workers;
  EXPECT_FALSE(workers.network.BreakOne(kFirst));
  const auto connection = workers.Connect("a");
  workers.DeliverAll();
  ASSERT_TRUE(connection->Send(MessageOf("lost")).ok());
  EXPECT_TRUE(workers.network.BreakOne(kFirst));
  EXPECT_FALSE(workers.network.BreakOne(kFirst));
  EXPECT_TRUE(connection->Send(MessageOf("x")).IsIOError());
  workers.DeliverAll();
  EXPECT_EQ(workers.log,
            (Log{"a closed: The connection with b:1/shuffle/1 broke.", "b0 closed: The connection with a:1 broke."}));
}

TEST(SimulatedTransport, WhatCameBeforeStartIsKept) {
  SimulatedNetwork network;
  const auto a = network.MakeTransport("a");
  const auto b = network.MakeTransport("b");
  std::unique_ptr<Connection> accepted;
  ASSERT_TRUE(b->Listen("/p", [&](std::unique_ptr<Connection> connection) { accepted = std::move(connection); }).ok());
  const auto connection = a->Connect("b", "/p").ValueOrDie();
  ASSERT_TRUE(connection->Send(MessageOf("early")).ok());
  while (network.DeliverOne(kFirst)) continue;
  EXPECT_EQ(network.pending(), 0u);
  Log log;
  StartLogging(*accepted, "b", log);
  EXPECT_EQ(network.pending(), 1u);
  while (network.DeliverOne(kFirst)) continue;
  EXPECT_EQ(log, Log{"b early"});
}

// --- Values. ---

TEST(SimulatedTransport, CarriesHeadersAndBodiesBothWays) {
  Workers workers;
  const auto connection = workers.Connect("a");
  EXPECT_EQ(connection->peer(), "b:1/shuffle/1");
  ASSERT_TRUE(connection->Send(MessageOf("h", {"one ", "", "two"})).ok());
  workers.DeliverAll();
  ASSERT_TRUE(workers.accepted[0]->Send(MessageOf("back")).ok());
  workers.DeliverAll();
  EXPECT_EQ(workers.log, (Log{"b0 h|one two", "a back"}));
}

TEST(SimulatedTransport, BodiesArriveAtOddAddresses) {
  SimulatedNetwork network;
  const auto a = network.MakeTransport("a");
  std::unique_ptr<Connection> accepted;
  int heard = 0;
  ASSERT_TRUE(a->Listen("/p", [&](std::unique_ptr<Connection> connection) {
                 accepted = std::move(connection);
                 accepted->Start(
                     [&](const Message& message) {
                       ++heard;
                       EXPECT_EQ(message.body[0]->address() % 2, 1u);
                     },
                     [](const arrow::Status&) {});
               }).ok());
  const auto connection = a->Connect("a", "/p").ValueOrDie();
  ASSERT_TRUE(connection->Send(MessageOf("h", {"12345678"})).ok());
  while (network.DeliverOne(kFirst)) continue;
  EXPECT_EQ(heard, 1);
}

class SimulatedOrder : public testing::TestWithParam<uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Seeds, SimulatedOrder, testing::Range<uint64_t>(0, 20));

TEST_P(SimulatedOrder, HoldsWithinAConnectionAndNotBetweenThem) {
  std::mt19937_64 random(GetParam());
  Workers workers;
  std::vector<std::unique_ptr<Connection>> connections;
  for (int i = 0; i < 3; ++i) connections.push_back(workers.Connect("a"));
  workers.DeliverAll();
  constexpr int kMessages = 20;
  for (int i = 0; i < kMessages; ++i) {
    for (const auto& connection : connections) ASSERT_TRUE(connection->Send(MessageOf(std::to_string(i))).ok());
  }
  while (workers.network.DeliverOne([&](std::size_t count) { return random() % count; })) continue;
  std::vector<int> next(3, 0);
  bool in_turn = true;
  for (std::size_t i = 0; i < workers.log.size(); ++i) {
    const auto who = static_cast<std::size_t>(workers.log[i][1] - '0');
    in_turn = in_turn && who == i % 3;
    EXPECT_EQ(workers.log[i], "b" + std::to_string(who) + " " + std::to_string(next[who]++));
  }
  EXPECT_EQ(next, std::vector<int>(3, kMessages));
  EXPECT_FALSE(in_turn);
}

}  // namespace
}  // namespace sabot::env
