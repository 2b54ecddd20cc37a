#include "sabot/shuffle/merge.h"

#include <arrow/record_batch.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "sabot/data/bitmap.h"
#include "sabot/data/errors.h"
#include "sabot/data/gather.h"
#include "sabot/shuffle/merge_columns_internal.h"
#include "sabot/shuffle/merge_order_internal.h"

namespace sabot::shuffle {
namespace {

constexpr int64_t kPassedRowsMin = 1'024;  // Fewer rows are better copied to their neighbours than passed on alone.
constexpr int64_t kGroupRows = 1 << 15;    // Groups that lie apart are merged together up to so many rows,
constexpr int64_t kBlockRows = 1 << 14;    // and columns written in blocks that stay in the cache.

// Pieces whose places lie between those of others: nothing can be said of their order without looking at rows.
struct Group {
  std::vector<Piece> pieces;
  data::Place last = data::kBeginPlace;
  int64_t rows = 0;
};

std::vector<Group> GroupPieces(std::vector<Piece> pieces) {
  struct Ends {
    data::Place first;
    data::Place last;
    std::size_t piece;
  };
  std::vector<Ends> ends(pieces.size());
  for (std::size_t at = 0; at < pieces.size(); ++at) {
    ends[at] = {pieces[at].place(0), pieces[at].place(pieces[at].num_rows() - 1), at};
  }
  std::stable_sort(ends.begin(), ends.end(), [](const Ends& a, const Ends& b) { return a.first < b.first; });
  std::vector<Group> groups;
  for (const Ends& end : ends) {
    if (groups.empty() || !(groups.back().last < end.first)) {
      if (groups.empty()) groups.emplace_back();
    } else {
      groups.emplace_back();
    }
    Group& group = groups.back();
    group.last = std::max(group.last, end.last);
    group.rows += pieces[end.piece].num_rows();
    group.pieces.push_back(std::move(pieces[end.piece]));
  }
  return groups;
}

bool AreInOrder(const data::Places& places, int64_t begin, int64_t end) {
  if (places.columns().offsets == nullptr && places.columns().sources == nullptr) return true;
  for (int64_t row = begin + 1; row < end; ++row) {
    if (!(places.at(row - 1) < places.at(row))) return false;
  }
  return true;
}

// The stretch of one batch that the pieces are together: a batch that was divided and comes together again.
std::optional<data::Batch> Recombined(const Group& group) {
  const data::Batch& base = group.pieces.front().batch;
  int64_t begin = std::numeric_limits<int64_t>::max();
  int64_t end = 0;
  for (const Piece& piece : group.pieces) {
    if (piece.batch.rows != base.rows || !piece.selection) return std::nullopt;
    begin = std::min(begin, piece.batch_row(0));
    end = std::max(end, piece.batch_row(piece.num_rows() - 1) + 1);
  }
  if (end - begin != group.rows) return std::nullopt;
  std::vector<uint8_t> seen(static_cast<std::size_t>(group.rows));
  for (const Piece& piece : group.pieces) {
    for (const int32_t row : piece.selection->rows()) {
      if (row < begin || row >= end || seen[static_cast<std::size_t>(row - begin)] != 0) return std::nullopt;
      seen[static_cast<std::size_t>(row - begin)] = 1;
    }
  }
  if (!AreInOrder(base.places, begin, end)) return std::nullopt;
  return begin == 0 && end == base.num_rows() ? base : base.Slice(begin, end - begin);
}

// Segments of the rows with ranks [first, last), block after block. `next`: of each piece the first row not yet given.
std::vector<Segment> CutBlocks(std::span<const Piece> pieces, const std::vector<int32_t>& ranks, int64_t first,
                               int64_t last, std::vector<int64_t>& next) {
  std::vector<Segment> segments;
  for (int64_t block = first; block < last; block += kBlockRows) {
    const int64_t end = std::min(block + kBlockRows, last);
    const int32_t* of_piece = ranks.data();
    for (std::size_t at = 0; at < pieces.size(); of_piece += pieces[at++].num_rows()) {
      const int64_t begin = next[at];
      const int64_t rows = pieces[at].num_rows();
      if (begin == rows || of_piece[begin] >= end) continue;
      next[at] = of_piece[rows - 1] < end ? rows : std::lower_bound(of_piece + begin, of_piece + rows, end) - of_piece;
      segments.push_back({.piece = &pieces[at],
                          .begin = begin,
                          .end = next[at],
                          .ranks = of_piece + begin,
                          .first_rank = static_cast<int32_t>(first)});
    }
  }
  return segments;
}

// Divides a group by the place in the middle of its longest piece, so that what is merged at once stays in the cache.
// The second half is empty where all places of that piece are the same.
std::pair<Group, Group> Halves(Group group) {
  const Piece& longest = *std::max_element(group.pieces.begin(), group.pieces.end(),
                                           [](const Piece& a, const Piece& b) { return a.num_rows() < b.num_rows(); });
  const data::Place middle = longest.place((longest.num_rows() - 1) / 2);
  std::pair<Group, Group> halves;
  const auto add = [](Group& to, Piece piece) {
    if (piece.num_rows() == 0) return;
    to.rows += piece.num_rows();
    to.pieces.push_back(std::move(piece));
  };
  for (Piece& piece : group.pieces) {
    const int64_t first = piece.RowsUpTo(middle);
    if (first == piece.num_rows()) {
      add(halves.first, std::move(piece));
    } else {
      add(halves.first, piece.Slice(0, first));
      add(halves.second, piece.Slice(first, piece.num_rows() - first));
    }
  }
  return halves;
}

// Whether all pieces are parts of one batch that was divided, with or without columns that were appended since.
bool HaveOneOrigin(const Group& group) {
  const auto& first = group.pieces.front().batch.origin;
  return first != nullptr && std::all_of(group.pieces.begin(), group.pieces.end(), [&](const Piece& piece) {
           return !piece.selection && piece.batch.origin != nullptr && piece.batch.origin->base == first->base;
         });
}

// The columns of that batch, where the rows are a stretch of it in its order; else none.
arrow::ArrayVector ColumnsOfOrigin(const std::vector<Segment>& segments, int64_t rows) {
  const auto row_of = [](const Segment& segment, int64_t row) {
    return segment.piece->batch.origin->rows.rows()[static_cast<std::size_t>(row)];
  };
  const Segment& one = segments.front();
  const int32_t begin = row_of(one, one.begin) - (one.ranks[0] - one.first_rank);
  for (const Segment& segment : segments) {
    const int32_t shift = begin - segment.first_rank;
    const int32_t* const row = segment.piece->batch.origin->rows.rows().data() + segment.begin;
    bool in_order = true;
    for (int64_t at = 0; at < segment.end - segment.begin; ++at) in_order &= row[at] == segment.ranks[at] + shift;
    if (!in_order) return {};
  }
  const auto& base = *one.piece->batch.origin->base;
  return (begin == 0 && rows == base.num_rows() ? base : *base.Slice(begin, rows)).columns();
}

arrow::Status MergeGroup(Group group, const std::shared_ptr<arrow::Schema>& schema, const MergeOptions& options,
                         std::vector<data::Batch>& out) {
  if (group.rows > 2 * kGroupRows) {
    auto [first, second] = Halves(std::move(group));
    if (second.rows > 0) {
      ARROW_RETURN_NOT_OK(MergeGroup(std::move(first), schema, options, out));
      return MergeGroup(std::move(second), schema, options, out);
    }
    group = std::move(first);
  }
  auto& pieces = group.pieces;
  std::stable_sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) { return a.channel < b.channel; });
  if (group.rows > std::numeric_limits<int32_t>::max()) {
    return arrow::Status::CapacityError("a merge of ", group.rows, " rows at once: fewer must be in flight");
  }
  ARROW_ASSIGN_OR_RAISE(const MergedOrder order, OrderRows(pieces, options.equal_places_fail));
  std::vector<int64_t> next(pieces.size());
  for (int64_t first = 0; first < group.rows; first += options.rows_max) {
    const int64_t rows = std::min(options.rows_max, group.rows - first);
    const auto segments = CutBlocks(pieces, order.ranks, first, first + rows, next);
    auto columns = HaveOneOrigin(group) ? ColumnsOfOrigin(segments, rows) : arrow::ArrayVector{};
    for (int column = static_cast<int>(columns.size()); column < schema->num_fields(); ++column) {
      ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), MergeColumn(schema->field(column)->type(), column, segments, rows));
    }
    out.push_back({.rows = arrow::RecordBatch::Make(schema, rows, std::move(columns)),
                   .places = order.places.Slice(first, rows)});
  }
  return arrow::Status::OK();
}

void PassOn(const data::Batch& batch, const MergeOptions& options, std::vector<data::Batch>& out) {
  if (batch.num_rows() <= options.rows_max) return out.push_back(batch);
  for (int64_t begin = 0; begin < batch.num_rows(); begin += options.rows_max) {
    out.push_back(batch.Slice(begin, options.rows_max));
  }
}

}  // namespace

Piece Piece::Slice(int64_t begin, int64_t count) const {
  if (selection) return {.channel = channel, .batch = batch, .selection = selection->Slice(begin, count)};
  return {.channel = channel, .batch = batch.Slice(begin, count)};
}

int64_t Piece::RowsUpTo(const data::Place& most) const {
  int64_t from = 0;
  for (int64_t to = num_rows(); from < to;) {
    const int64_t middle = from + (to - from) / 2;
    place(middle) <= most ? from = middle + 1 : to = middle;
  }
  return from;
}

arrow::Result<data::Batch> Piece::Dense() const {
  if (!selection) return batch;
  const auto rows = selection->rows();
  if (rows.empty()) return batch.Slice(0, 0);
  if (rows.back() - rows.front() + 1 == selection->size()) return batch.Slice(rows.front(), selection->size());
  data::Batch dense;
  dense.origin = std::make_shared<data::Origin>(data::Origin{.base = batch.rows, .rows = *selection});
  ARROW_ASSIGN_OR_RAISE(dense.rows, data::Gather(*batch.rows, rows));
  ARROW_ASSIGN_OR_RAISE(dense.places, batch.places.Take(rows));
  return dense;
}

arrow::Result<std::vector<data::Batch>> Merge(std::vector<Piece> pieces, const std::shared_ptr<arrow::Schema>& schema,
                                              const MergeOptions& options) {
  std::vector<data::Batch> out;
  for (const Piece& piece : pieces) {
    if (piece.batch.places.rows() == piece.batch.num_rows()) continue;
    return data::DataError("input " + std::to_string(piece.channel) + " of a merge has " +
                           std::to_string(piece.batch.num_rows()) + " rows and " +
                           std::to_string(piece.batch.places.rows()) +
                           " places. Rows that are merged by place must carry theirs.");
  }
  Group small;  // Small groups that follow one another.
  const auto merge_small = [&]() -> arrow::Status {
    if (small.pieces.empty()) return arrow::Status::OK();
    Group group = std::exchange(small, {});
    if (group.pieces.size() > 1) return MergeGroup(std::move(group), schema, options, out);
    ARROW_ASSIGN_OR_RAISE(const data::Batch alone, group.pieces.front().Dense());
    PassOn(alone, options, out);
    return arrow::Status::OK();
  };
  for (Group& group : GroupPieces(std::move(pieces))) {
    if (group.rows >= kPassedRowsMin) {
      std::optional<data::Batch> whole;
      if (group.pieces.size() == 1) {
        ARROW_ASSIGN_OR_RAISE(whole, group.pieces.front().Dense());
      } else {
        whole = Recombined(group);
      }
      if (whole) {
        ARROW_RETURN_NOT_OK(merge_small());
        PassOn(*whole, options, out);
        continue;
      }
      if (HaveOneOrigin(group)) {
        ARROW_RETURN_NOT_OK(merge_small());
        ARROW_RETURN_NOT_OK(MergeGroup(std::move(group), schema, options, out));
        continue;
      }
    }
    small.rows += group.rows;
    std::move(group.pieces.begin(), group.pieces.end(), std::back_inserter(small.pieces));
    if (small.rows >= kGroupRows) ARROW_RETURN_NOT_OK(merge_small());
  }
  ARROW_RETURN_NOT_OK(merge_small());
  return out;
}

}  // namespace sabot::shuffle
