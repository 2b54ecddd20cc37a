// Files of made-up ticks.
#pragma once

#include <arrow/array/array_dict.h>
#include <arrow/builder.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "sabot/backtest/tick.h"
#include "sabot/ticks/tick_file.h"

namespace sabot::backtest {

// A market whose mid wanders by ticks of 0.01 around 10, some days of `rows_a_day` ticks from 10:00 on.
inline std::vector<Tick> WanderingTicks(uint64_t seed, int days, int rows_a_day) {
  std::mt19937_64 random(seed);  // Its numbers are fixed by the standard; distributions' are not.
  const auto below = [&](uint64_t count) { return static_cast<int64_t>(random() % count); };
  constexpr int64_t kFirstDay = 19'943;
  std::vector<Tick> ticks;
  int64_t mid = 1'000;
  for (int day = 0; day < days; ++day) {
    int64_t timestamp = (kFirstDay + day) * kDayNs + 36'000'000'000'000;
    for (int row = 0; row < rows_a_day; ++row) {
      timestamp += below(2'000'000'000);
      mid += below(8) == 0 ? below(3) - 1 : 0;
      const auto type = static_cast<TickType>(below(3));
      const int64_t offset = type == TickType::kBid ? -1 : type == TickType::kAsk ? 1 : below(5) - 2;
      ticks.push_back(
          {timestamp, static_cast<double>(mid + offset) / 100, static_cast<double>(1 + below(200)) * 100, type});
    }
  }
  return ticks;
}

inline void WriteTickFile(const std::string& path, const std::string& security, const std::vector<Tick>& ticks,
                          const std::string& market = "", int64_t rejected = 0) {
  arrow::TimestampBuilder times(arrow::timestamp(arrow::TimeUnit::NANO), arrow::default_memory_pool());
  arrow::Int8Builder types;
  arrow::DoubleBuilder prices;
  arrow::DoubleBuilder volumes;
  for (const Tick& tick : ticks) {
    (void)times.Append(tick.timestamp);
    (void)types.Append(static_cast<int8_t>(tick.type));
    (void)prices.Append(tick.price);
    (void)volumes.Append(tick.volume);
  }
  const auto schema = ticks::TickSchema(false);
  const auto type =
      arrow::DictionaryArray::FromArrays(schema->field(1)->type(), types.Finish().ValueOrDie(), ticks::TickTypeNames())
          .ValueOrDie();
  const auto batch = arrow::RecordBatch::Make(
      schema, static_cast<int64_t>(ticks.size()),
      {times.Finish().ValueOrDie(), type, prices.Finish().ValueOrDie(), volumes.Finish().ValueOrDie()});
  const auto writer = ticks::OpenTickFileWriter(path, false).ValueOrDie();
  ASSERT_TRUE(writer->Write(batch).ok());
  ASSERT_TRUE(writer->Close({.security = security, .market = market, .rejected = rejected}).ok());
}

}  // namespace sabot::backtest
