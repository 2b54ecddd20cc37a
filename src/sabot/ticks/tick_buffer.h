// Ticks being gathered, column by column.
#pragma once

#include <arrow/record_batch.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "sabot/ticks/tick_schema.h"

namespace sabot::ticks {

struct Tick {
  int64_t timestamp = 0;
  TickType type = TickType::kBid;
  double price = 0;
  double volume = 0;
  int8_t side = 0;  // 0 where it is not known.
};

class TickBuffer {
 public:
  void Append(const Tick& tick) {
    timestamps_.push_back(tick.timestamp);
    types_.push_back(static_cast<int8_t>(tick.type));
    prices_.push_back(tick.price);
    volumes_.push_back(tick.volume);
    sides_.push_back(tick.side);
  }
  void Append(const TickColumns& ticks);
  Tick operator[](std::size_t row) const {
    return {timestamps_[row], static_cast<TickType>(types_[row]), prices_[row], volumes_[row], sides_[row]};
  }

  int64_t rows() const { return static_cast<int64_t>(timestamps_.size()); }
  bool empty() const { return timestamps_.empty(); }
  const std::vector<int64_t>& timestamps() const { return timestamps_; }

  void Clear();  // Keeps the memory.
  // By time; rows of the same time stay as they are.
  void Sort();
  // All rows as a batch of TickSchema(with_side); none are left here.
  std::shared_ptr<arrow::RecordBatch> Take(bool with_side);

 private:
  std::vector<int64_t> timestamps_;
  std::vector<int8_t> types_;
  std::vector<double> prices_;
  std::vector<double> volumes_;
  std::vector<int8_t> sides_;
};

// Columns of TickSchema made of TickTypes, and of sides with 0 for null.
std::shared_ptr<arrow::ArrayData> TypeColumn(std::vector<int8_t> types);
std::shared_ptr<arrow::ArrayData> SideColumn(std::vector<int8_t> sides);

}  // namespace sabot::ticks
