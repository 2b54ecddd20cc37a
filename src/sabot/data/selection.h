// Some rows of a batch, by their numbers, ascending: how tasks of one process share a batch without copying a column.
#pragma once

#include <arrow/buffer.h>

#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace sabot::data {

class Selection {
 public:
  Selection() = default;
  // `count` int32 numbers in `numbers` from `begin` on; the buffer is shared.
  Selection(std::shared_ptr<arrow::Buffer> numbers, int64_t begin, int64_t count)
      : numbers_(std::move(numbers)), begin_(begin), count_(count) {}

  int64_t size() const { return count_; }
  std::span<const int32_t> rows() const {
    return {numbers_ == nullptr ? nullptr : numbers_->data_as<int32_t>() + begin_, static_cast<std::size_t>(count_)};
  }
  Selection Slice(int64_t begin, int64_t count) const { return {numbers_, begin_ + begin, count}; }

 private:
  std::shared_ptr<arrow::Buffer> numbers_;
  int64_t begin_ = 0;
  int64_t count_ = 0;
};

}  // namespace sabot::data
