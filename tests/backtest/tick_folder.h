// A folder with tick files, and a strategy that does what its parameters say.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sabot/backtest/run.h"
#include "sabot/data/errors.h"
#include "sabot/ticks/tick_file.h"
#include "tests/backtest/scripted.h"
#include "tests/connectors/temporary_folder.h"

namespace sabot::backtest {

inline void ExpectError(const arrow::Status& status, data::ErrorKind kind,
                        std::initializer_list<std::string_view> parts) {
  EXPECT_EQ(data::KindOf(status), kind) << status.ToString();
  for (const auto part : parts) {
    EXPECT_NE(status.message().find(part), std::string::npos) << status.message() << " lacks: " << part;
  }
}

constexpr int64_t kMorningNs = 1'723'111'800'000'000'000;  // 2024-08-08T10:10:00

// As the converter writes it.
inline std::string WriteTicks(const std::string& path, const std::string& security, const std::vector<Tick>& ticks,
                              const std::string& market = "", int64_t rejected = 0) {
  auto writer = ticks::OpenTickFileWriter(path, /*with_side=*/false).ValueOrDie();
  const auto batch = Batch(ticks);
  const auto schema = ticks::TickSchema(false);
  auto columns = batch->columns();
  std::vector<int8_t> types;
  for (const Tick& tick : ticks) types.push_back(static_cast<int8_t>(tick.type));
  arrow::Int8Builder indices;
  EXPECT_TRUE(indices.AppendValues(types).ok());
  columns[1] = arrow::DictionaryArray::FromArrays(indices.Finish().ValueOrDie(), ticks::TickTypeNames()).ValueOrDie();
  EXPECT_TRUE(writer->Write(arrow::RecordBatch::Make(schema, batch->num_rows(), columns)).ok());
  EXPECT_TRUE(writer->Close({.security = security, .market = market, .rejected = rejected}).ok());
  return path;
}

// A bid and an ask, and `seconds` of trades that alternate between them, each taking a quote with it.
inline std::vector<Tick> Alternating(int64_t seconds, double price) {
  std::vector<Tick> ticks;
  for (int64_t second = 0; second < seconds; ++second) {
    const int64_t at = kMorningNs + second * kSecondNs;
    ticks.push_back(Bid(at, price, 10));
    ticks.push_back(Ask(at + 1, price + 1, 10));
    ticks.push_back(Trade(at + 2, second % 2 == 0 ? price : price + 1, 15));
  }
  return ticks;
}

// Joins both best quotes with 10 at each tick where nothing is open on that side; fails where it is told to.
class Joins final : public Strategy {
 public:
  explicit Joins(int64_t fails_at) : fails_at_(fails_at) {}
  arrow::Status OnTick(const Moment& moment, Orders& orders) override {
    if (++ticks_ == fails_at_) return arrow::Status::Invalid("it fails,\nas it was told");
    for (const Side side : {Side::kBuy, Side::kSell}) {
      auto& order = orders_[IndexOf(side)];
      if (orders.Find(order) == nullptr && moment.book.best(side).exists()) {
        order = orders.Send({.side = side, .price = moment.book.best(side).price, .size = 10});
      }
    }
    return arrow::Status::OK();
  }

 private:
  int64_t fails_at_;
  int64_t ticks_ = 0;
  OrderId orders_[2] = {kNoOrder, kNoOrder};
};

inline RunPlan JoinsPlan(const std::string& config = "{}") {
  Parameter fails_at;
  fails_at.name = "fails_at";
  fails_at.kind = Parameter::Kind::kInteger;
  fails_at.standard = 0.0;
  StrategyInfo strategy;
  strategy.name = "joins";
  strategy.parameters = {fails_at};
  strategy.make = [](const Settings& settings) -> arrow::Result<std::unique_ptr<Strategy>> {
    return std::make_unique<Joins>(static_cast<int64_t>(settings.number("fails_at")));
  };
  auto parsed = StrategyConfig::Parse(config, strategy.parameters, strategy.name).ValueOrDie();
  return {.strategy = std::move(strategy), .config = std::move(parsed)};
}

}  // namespace sabot::backtest
