#include <arrow/buffer.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/shuffle/merge_keys_internal.h"
#include "sabot/shuffle/merge_order_internal.h"
#include "sabot/shuffle/merge_tree_internal.h"

namespace sabot::shuffle {
namespace {

arrow::Status NotInOrder(int channel) {
  return data::DataError("input " + std::to_string(channel) +
                         " of a merge is not in place order. Operators before it must keep the order of rows.");
}

arrow::Status EqualPlaces(const data::Place& place, int one, int other) {
  return data::DataError("inputs " + std::to_string(one) + " and " + std::to_string(other) +
                         " of a merge both bring a row at " + place.ToString() + ". One row must come by one way.");
}

template <class T, class ValueOfRow>
arrow::Result<std::shared_ptr<arrow::Buffer>> Fill(int64_t rows, ValueOfRow value_of_row) {
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> buffer,
                        arrow::AllocateBuffer(rows * static_cast<int64_t>(sizeof(T))));
  T* const values = buffer->mutable_data_as<T>();
  for (int64_t row = 0; row < rows; ++row) values[row] = static_cast<T>(value_of_row(row));
  return buffer;
}

// The times of rows that were put in order without them.
arrow::Result<std::shared_ptr<arrow::Buffer>> MergedTimes(std::span<const Piece> pieces,
                                                          const std::vector<int32_t>& ranks) {
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> times,
                        arrow::AllocateBuffer(static_cast<int64_t>(ranks.size() * sizeof(int64_t))));
  auto* const out = times->mutable_data_as<int64_t>();
  const int32_t* rank = ranks.data();
  for (const Piece& piece : pieces) {
    const auto& from = piece.batch.places.columns().times;
    const int64_t* const values = from == nullptr ? nullptr : from->data_as<int64_t>();
    ForRows(piece, [&](int64_t at, int64_t row) { out[rank[at]] = values == nullptr ? 0 : values[row]; });
    rank += piece.num_rows();
  }
  return times;
}

template <class Key>
arrow::Result<MergedOrder> OrderByKeys(std::span<const Piece> pieces, const Layout& layout, bool equal_places_fail) {
  const Keys<Key> of(layout);
  std::vector<std::size_t> sizes;
  std::vector<int> channels;
  for (const Piece& piece : pieces) {
    if (channels.empty() || channels.back() != piece.channel) {
      channels.push_back(piece.channel);
      sizes.push_back(0);
    }
    sizes.back() += static_cast<std::size_t>(piece.num_rows());
  }
  std::vector<std::size_t> next;  // Of each run the first row without a rank.
  std::size_t rows = 0;
  for (const std::size_t size : sizes) {
    next.push_back(rows);
    rows += size;
  }
  std::vector<Key> keys(rows + sizes.size());
  const Piece* piece = pieces.data();
  Key* out = keys.data();
  for (std::size_t run = 0; run < sizes.size(); ++run) {
    const Key* const begin = out;
    for (; piece != pieces.data() + pieces.size() && piece->channel == channels[run]; ++piece) {
      of.Write(*piece, static_cast<int64_t>(run), out);
      out += piece->num_rows();
    }
    // The merge reads and writes only where it may because its runs are sorted, so this is not left to trust.
    bool sorted = out[-1] < Keys<Key>::kLast;
    for (const Key* key = begin + 1; key < out; ++key) sorted &= !(*key < key[-1]);
    if (!sorted) return NotInOrder(channels[run]);
    ++out;
  }
  const std::span<const Key> merged = MergeRuns(keys, sizes, Keys<Key>::kLast);

  MergedOrder order{.ranks = std::vector<int32_t>(rows)};
  for (std::size_t at = 0; at < rows; ++at) {
    order.ranks[next[static_cast<std::size_t>(of.Run(merged[at]))]++] = static_cast<int32_t>(at);
  }
  const auto at = [&](int64_t row) -> const Key& { return merged[static_cast<std::size_t>(row)]; };
  for (int64_t row = 1; equal_places_fail && row < static_cast<int64_t>(rows); ++row) {
    if (!of.SamePlace(at(row - 1), at(row)) || of.Run(at(row - 1)) == of.Run(at(row))) continue;
    const data::Place place{.time = of.time(at(row)),
                            .source = static_cast<int32_t>(of.source(at(row))),
                            .offset = of.offset(at(row)),
                            .path = of.path(at(row))};
    return EqualPlaces(place, channels[static_cast<std::size_t>(of.Run(at(row - 1)))],
                       channels[static_cast<std::size_t>(of.Run(at(row)))]);
  }
  const auto count = static_cast<int64_t>(rows);
  data::Places::Columns places{.rows = count, .source = static_cast<int32_t>(layout.source.least)};
  if (layout.has_times && layout.one_source) {
    ARROW_ASSIGN_OR_RAISE(places.times, MergedTimes(pieces, order.ranks));
  } else if (layout.has_times) {
    ARROW_ASSIGN_OR_RAISE(places.times, Fill<int64_t>(count, [&](int64_t row) { return of.time(at(row)); }));
  }
  if (layout.source.span() > 0) {
    ARROW_ASSIGN_OR_RAISE(places.sources, Fill<int32_t>(count, [&](int64_t row) { return of.source(at(row)); }));
  }
  ARROW_ASSIGN_OR_RAISE(places.offsets, Fill<int64_t>(count, [&](int64_t row) { return of.offset(at(row)); }));
  if (layout.path.least != 0 || layout.path.most != 0) {
    ARROW_ASSIGN_OR_RAISE(places.paths, Fill<int64_t>(count, [&](int64_t row) { return of.path(at(row)); }));
  }
  order.places = data::Places(std::move(places));
  return order;
}

// Rows of one source, whose offsets leave few gaps: a row's rank is how many offsets below its own are there. Nothing,
// where an offset is there twice.
arrow::Result<std::optional<MergedOrder>> OrderByCounting(std::span<const Piece> pieces, const Layout& layout,
                                                          int64_t rows) {
  constexpr int kWordBits = 64;
  constexpr int kByteFlags = 8;
  const uint64_t words = layout.offset.span() / kWordBits + 1;
  const auto each_offset = [&](const Piece& piece, auto each) {
    const auto& columns = piece.batch.places.columns();
    if (columns.offsets == nullptr) {
      const uint64_t first = layout.offset.Of(columns.offset);
      ForRows(piece, [&](int64_t at, int64_t row) { each(at, first + static_cast<uint64_t>(row)); });
    } else {
      const auto* const offsets = columns.offsets->data_as<int64_t>();
      ForRows(piece, [&](int64_t at, int64_t row) { each(at, layout.offset.Of(offsets[row])); });
    }
  };
  std::vector<uint8_t> there(words * kWordBits);  // A byte each: bits would have to wait for their neighbours.
  for (const Piece& piece : pieces) {
    each_offset(piece, [out = there.data()](int64_t, uint64_t offset) { out[offset] = 1; });
  }
  std::vector<uint64_t> bits(words);
  std::vector<int32_t> below(words);
  int32_t sum = 0;
  for (uint64_t word = 0; word < words; ++word) {
    uint64_t packed = 0;
    for (int byte = 0; byte < kByteFlags; ++byte) {
      uint64_t flags = 0;
      std::memcpy(&flags, there.data() + word * kWordBits + byte * kByteFlags, sizeof(flags));
      packed |= (flags * 0x0102040810204080U >> 56) << (byte * kByteFlags);  // Gathers the low bits of eight bytes.
    }
    bits[word] = packed;
    below[word] = sum;
    sum += std::popcount(packed);
  }
  if (sum != rows) return std::nullopt;

  const bool gaps = layout.offset.span() + 1 != static_cast<uint64_t>(rows);
  MergedOrder order{.ranks = std::vector<int32_t>(static_cast<std::size_t>(rows))};
  int32_t* ranks = order.ranks.data();
  int32_t before = -1;
  for (std::size_t at = 0; at < pieces.size(); ++at) {
    if (at > 0 && pieces[at].channel != pieces[at - 1].channel) before = -1;
    if (gaps) {
      each_offset(pieces[at], [&](int64_t row, uint64_t offset) {
        const uint64_t mask = (uint64_t{1} << (offset % kWordBits)) - 1;
        ranks[row] = below[offset / kWordBits] + std::popcount(bits[offset / kWordBits] & mask);
      });
    } else {
      each_offset(pieces[at], [&](int64_t row, uint64_t offset) { ranks[row] = static_cast<int32_t>(offset); });
    }
    const int64_t count = pieces[at].num_rows();
    bool ascending = before < ranks[0];
    for (int64_t row = 1; row < count; ++row) ascending &= ranks[row - 1] < ranks[row];
    if (!ascending) return NotInOrder(pieces[at].channel);
    before = ranks[count - 1];
    ranks += count;
  }
  data::Places::Columns places{
      .rows = rows, .source = static_cast<int32_t>(layout.source.least), .offset = layout.offset.least};
  if (layout.has_times) {
    ARROW_ASSIGN_OR_RAISE(places.times, MergedTimes(pieces, order.ranks));
  }
  if (gaps) {
    ARROW_ASSIGN_OR_RAISE(places.offsets, arrow::AllocateBuffer(rows * static_cast<int64_t>(sizeof(int64_t))));
    auto* const offsets = places.offsets->mutable_data_as<int64_t>();
    const int32_t* rank = order.ranks.data();
    for (const Piece& piece : pieces) {
      each_offset(piece, [&](int64_t row, uint64_t offset) {
        offsets[rank[row]] = layout.offset.least + static_cast<int64_t>(offset);
      });
      rank += piece.num_rows();
    }
  }
  order.places = data::Places(std::move(places));
  return order;
}

}  // namespace

arrow::Result<MergedOrder> OrderRows(std::span<const Piece> pieces, bool equal_places_fail) {
  constexpr uint64_t kOffsetsARow = 8;  // Where a row of eight is missing, comparing is as fast as counting.
  const Layout layout(pieces);
  int64_t rows = 0;
  for (const Piece& piece : pieces) rows += piece.num_rows();
  if (layout.one_source && layout.path.least == 0 && layout.path.most == 0 &&
      layout.offset.span() < kOffsetsARow * static_cast<uint64_t>(rows)) {
    ARROW_ASSIGN_OR_RAISE(auto order, OrderByCounting(pieces, layout, rows));
    if (order) return std::move(*order);
  }
  // A bit more than they need, so that there is a key above all.
  if (layout.bits() < 64) return OrderByKeys<uint64_t>(pieces, layout, equal_places_fail);
  if (layout.bits() < 128) return OrderByKeys<Wide>(pieces, layout, equal_places_fail);
  return OrderByKeys<WholeKey>(pieces, layout, equal_places_fail);
}

}  // namespace sabot::shuffle
