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
#include <utility>

namespace sabot::data {

struct Place {
  int64_t time = 0;    // The running maximum of event time in the row's source partition, ns.
  int32_t source = 0;  // The source partition's rank.
  int64_t offset = 0;  // The row's number in its source partition.
  // Which of the rows that an operator made of that row, counted from 1; 0: the row itself. The high 32 bits count at
  // the first such operator on the way, the low 32 at the second.
  int64_t path = 0;

  // "offset 17 of source 0", and of the third row made of it "offset 17 of source 0, row 3 made of it"
  std::string ToString() const;
  friend auto operator<=>(const Place&, const Place&) = default;
};

// Greater than the place of any row: a channel that is complete up to here has ended.
inline constexpr Place kEndPlace{std::numeric_limits<int64_t>::max(), std::numeric_limits<int32_t>::max(),
                                 std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::max()};
// Less than the place of any row: nothing is known of a channel that is complete up to here.
inline constexpr Place kBeginPlace{std::numeric_limits<int64_t>::min(), std::numeric_limits<int32_t>::min(),
                                   std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::min()};

// The places of the rows of a batch; rows() is 0 where the plan does not carry them. Rows as a source gives them need
// only their first offset; times are there where something downstream merges by place, and once rows of several sources
// are mixed each row has all three. Paths are there once an operator made several rows of one.
class Places {
 public:
  // As they are kept, for who handles many at once: buffers have one value a row or are nullptr.
  struct Columns {
    int64_t rows = 0;
    int32_t source = 0;  // Of all rows, unless `sources` is there.
    int64_t offset = 0;  // Of the first row, unless `offsets` is there.
    std::shared_ptr<arrow::Buffer> times = nullptr;  // int64; nullptr: 0.
    std::shared_ptr<arrow::Buffer> sources = nullptr;  // int32
    std::shared_ptr<arrow::Buffer> offsets = nullptr;  // int64; nullptr: they count up.
    std::shared_ptr<arrow::Buffer> paths = nullptr;  // int64; nullptr: 0.
  };

  Places() = default;
  explicit Places(Columns columns) : columns_(std::move(columns)) {}
  // `rows` rows of one source from `offset` on. `times`: int64, one a row, or nullptr where nobody asks for them.
  static Places OfSource(int32_t source, int64_t offset, int64_t rows, std::shared_ptr<arrow::Buffer> times = nullptr);
  // Any places, in order.
  static arrow::Result<Places> Of(std::span<const Place> places);
  // Of `rows` rows that an operator made of the row at `place`, where it made `before` rows of it already. Errors
  // (kData): they are more than a path can count; two operators on the way made rows of rows already.
  static arrow::Result<Places> MadeOf(const Place& place, int64_t before, int64_t rows);
  // The same rows as they came by the way `number` >= 0 of several: one level of their paths says so. Error (kData):
  // two operators on the way made rows of rows already.
  arrow::Result<Places> Branched(int64_t number) const;

  int64_t rows() const { return columns_.rows; }
  const Columns& columns() const { return columns_; }
  Place at(int64_t row) const;
  Places Slice(int64_t begin, int64_t rows) const;
  arrow::Result<Places> Take(std::span<const int32_t> rows) const;

 private:
  Columns columns_;
};

}  // namespace sabot::data
