// Where a row stands in the total order of all rows: the rule that makes what a sink gets independent of batches and
// threads.
#pragma once

#include <arrow/buffer.h>
#include <arrow/result.h>

#include <compare>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace sabot::data {

struct Place {
  int64_t time = 0;    // The running maximum of event time in the row's source partition, ns.
  int32_t source = 0;  // The source partition's rank.
  int64_t offset = 0;  // The row's number in its source partition.

  // "offset 17 of source 0"
  std::string ToString() const;
  friend auto operator<=>(const Place&, const Place&) = default;
};

// Greater than the place of any row: a channel that is complete up to here has ended.
inline constexpr Place kEndPlace{std::numeric_limits<int64_t>::max(), std::numeric_limits<int32_t>::max(),
                                 std::numeric_limits<int64_t>::max()};

// The places of the rows of a batch; rows() is 0 where the plan does not carry them. Rows as a source gives them need
// only their first offset; times are there where something downstream merges by place, and once rows of several sources
// are mixed each row has all three.
class Places {
 public:
  Places() = default;
  // `rows` rows of one source from `offset` on. `times`: int64, one a row, or nullptr where nobody asks for them.
  static Places OfSource(int32_t source, int64_t offset, int64_t rows, std::shared_ptr<arrow::Buffer> times = nullptr);
  // Any places, in order.
  static arrow::Result<Places> Of(std::span<const Place> places);

  int64_t rows() const { return rows_; }
  Place at(int64_t row) const;
  Places Slice(int64_t begin, int64_t rows) const;
  arrow::Result<Places> Take(std::span<const int32_t> rows) const;

 private:
  int64_t rows_ = 0;
  int32_t source_ = 0;  // Of all rows, unless `sources_` is there...
  int64_t offset_ = 0;  // ...and the first one's offset, unless `offsets_` is.
  std::shared_ptr<arrow::Buffer> times_;
  std::shared_ptr<arrow::Buffer> sources_;
  std::shared_ptr<arrow::Buffer> offsets_;
};

}  // namespace sabot::data
