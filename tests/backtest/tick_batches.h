// Ticks as the record batches that a simulation reads.
#pragma once

#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "sabot/backtest/tick.h"

namespace sabot::backtest {

inline std::shared_ptr<arrow::RecordBatch> Batch(const std::vector<Tick>& ticks, bool sides = false) {
  static const std::array<std::string, 3> kNames{"bid", "ask", "trade"};
  arrow::TimestampBuilder times(arrow::timestamp(arrow::TimeUnit::NANO), arrow::default_memory_pool());
  arrow::StringDictionary32Builder types;
  arrow::DoubleBuilder prices;
  arrow::DoubleBuilder volumes;
  arrow::Int8Builder aggressors;
  for (const Tick& tick : ticks) {
    (void)times.Append(tick.timestamp);
    (void)types.Append(kNames[static_cast<std::size_t>(tick.type)]);
    (void)prices.Append(tick.price);
    (void)volumes.Append(tick.volume);
    (void)(tick.side == 0 ? aggressors.AppendNull() : aggressors.Append(tick.side));
  }
  arrow::ArrayVector columns{times.Finish().ValueOrDie(), types.Finish().ValueOrDie(), prices.Finish().ValueOrDie(),
                             volumes.Finish().ValueOrDie()};
  arrow::FieldVector fields{arrow::field("timestamp", columns[0]->type()), arrow::field("type", columns[1]->type()),
                            arrow::field("price", columns[2]->type()), arrow::field("volume", columns[3]->type())};
  if (sides) {
    columns.push_back(aggressors.Finish().ValueOrDie());
    fields.push_back(arrow::field("side", columns[4]->type()));
  }
  return arrow::RecordBatch::Make(arrow::schema(fields), static_cast<int64_t>(ticks.size()), columns);
}

}  // namespace sabot::backtest
