// Places as keys of as few bits as the rows at hand need: each of a place's numbers as its distance from the least one,
// side by side, and below them the channel. They compare as the places do, in one or two instructions.
#pragma once

#include <arrow/buffer.h>

#include <algorithm>
#include <bit>
#include <compare>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>

#include "sabot/data/place.h"
#include "sabot/shuffle/merge.h"

namespace sabot::shuffle {

__extension__ using Wide = unsigned __int128;

// Calls `each(row of the piece, row of its batch)`.
template <class Each>
void ForRows(const Piece& piece, Each each) {
  const int64_t rows = piece.num_rows();
  if (!piece.selection) {
    for (int64_t row = 0; row < rows; ++row) each(row, row);
    return;
  }
  const int32_t* const numbers = piece.selection->rows().data();
  for (int64_t row = 0; row < rows; ++row) each(row, int64_t{numbers[row]});
}

// One of a place's four numbers, over all pieces: from where to where it goes, and its bits in a key.
struct Element {
  int64_t least = std::numeric_limits<int64_t>::max();
  int64_t most = std::numeric_limits<int64_t>::min();
  int shift = 0;

  void Add(int64_t value) {
    least = std::min(least, value);
    most = std::max(most, value);
  }
  uint64_t span() const { return static_cast<uint64_t>(most) - static_cast<uint64_t>(least); }
  int bits() const { return std::bit_width(span()); }
  uint64_t Of(int64_t value) const { return static_cast<uint64_t>(value) - static_cast<uint64_t>(least); }
};

template <class T>
void AddColumn(const Piece& piece, const arrow::Buffer& values, Element& element) {
  const T* const from = values.data_as<T>();
  int64_t least = element.least;
  int64_t most = element.most;
  ForRows(piece, [&](int64_t, int64_t row) {
    least = std::min<int64_t>(least, from[row]);
    most = std::max<int64_t>(most, from[row]);
  });
  element.least = least;
  element.most = most;
}

struct Layout {
  Element time;
  Element source;
  Element offset;
  Element path;
  Element run;
  bool one_source = false;  // Then the offset says all, and `time` is left out of keys.
  bool has_times = false;

  explicit Layout(std::span<const Piece> pieces) {
    int64_t runs = 0;
    for (std::size_t at = 0; at < pieces.size(); ++at) {
      const Piece& piece = pieces[at];
      const auto& columns = piece.batch.places.columns();
      const data::Place first = piece.place(0);
      const data::Place last = piece.place(piece.num_rows() - 1);
      time.Add(first.time);
      time.Add(last.time);
      has_times = has_times || columns.times != nullptr;
      columns.sources != nullptr ? AddColumn<int32_t>(piece, *columns.sources, source) : source.Add(columns.source);
      if (columns.offsets != nullptr) {
        AddColumn<int64_t>(piece, *columns.offsets, offset);
      } else {
        offset.Add(first.offset);
        offset.Add(last.offset);
      }
      columns.paths != nullptr ? AddColumn<int64_t>(piece, *columns.paths, path) : path.Add(0);
      runs += at == 0 || piece.channel != pieces[at - 1].channel ? 1 : 0;
    }
    run.Add(0);
    run.Add(runs - 1);
    // A source's times never fall; what timers emit has another rule, and a source below 0.
    one_source = source.span() == 0 && source.least >= 0;
    if (one_source) time = {.least = 0, .most = 0};
    path.shift = run.bits();
    offset.shift = path.shift + path.bits();
    source.shift = offset.shift + offset.bits();
    time.shift = source.shift + source.bits();
  }
  int bits() const { return time.shift + time.bits(); }
};

// The rows of all pieces as keys that compare as their places and then by channel.
template <class Key>
class Keys {
 public:
  static constexpr Key kLast = ~Key{0};

  explicit Keys(const Layout& layout) : layout_(layout) {}

  void Write(const Piece& piece, int64_t run, Key* out) const {
    const auto& columns = piece.batch.places.columns();
    Key all = static_cast<Key>(run);
    if (columns.sources == nullptr) all |= Bits(layout_.source, columns.source);
    if (columns.times == nullptr && !layout_.one_source) all |= Bits(layout_.time, 0);
    if (columns.paths == nullptr) all |= Bits(layout_.path, 0);
    if (columns.offsets == nullptr) {
      ForRows(piece, [&](int64_t at, int64_t row) { out[at] = all | Bits(layout_.offset, columns.offset + row); });
    } else {
      std::fill_n(out, piece.num_rows(), all);
      Add<int64_t>(piece, columns.offsets, layout_.offset, out);
    }
    if (!layout_.one_source) Add<int64_t>(piece, columns.times, layout_.time, out);
    if (layout_.source.span() > 0) Add<int32_t>(piece, columns.sources, layout_.source, out);
    Add<int64_t>(piece, columns.paths, layout_.path, out);
  }
  int64_t Run(const Key& key) const { return static_cast<int64_t>(key & Key{Mask(layout_.run)}); }
  bool SamePlace(const Key& a, const Key& b) const { return (a ^ b) >> layout_.path.shift == 0; }
  int64_t time(const Key& key) const { return Value(layout_.time, key); }
  int64_t source(const Key& key) const { return Value(layout_.source, key); }
  int64_t offset(const Key& key) const { return Value(layout_.offset, key); }
  int64_t path(const Key& key) const { return Value(layout_.path, key); }

 private:
  static Key Bits(const Element& element, int64_t value) { return Key{element.Of(value)} << element.shift; }
  static uint64_t Mask(const Element& element) {
    return element.bits() == 64 ? ~uint64_t{0} : (uint64_t{1} << element.bits()) - 1;
  }
  static int64_t Value(const Element& element, const Key& key) {
    const auto value = static_cast<uint64_t>(key >> element.shift) & Mask(element);
    return static_cast<int64_t>(static_cast<uint64_t>(element.least) + value);
  }
  template <class T>
  static void Add(const Piece& piece, const std::shared_ptr<arrow::Buffer>& values, const Element& element, Key* out) {
    if (values == nullptr) return;
    const T* const from = values->template data_as<T>();
    ForRows(piece, [&](int64_t at, int64_t row) { out[at] |= Bits(element, from[row]); });
  }

  Layout layout_;
};

// Places that span too much for 127 bits, as they are.
struct WholeKey {
  data::Place place;
  int64_t run = 0;
  friend auto operator<=>(const WholeKey&, const WholeKey&) = default;
};

template <>
class Keys<WholeKey> {
 public:
  static constexpr WholeKey kLast{data::kEndPlace, std::numeric_limits<int64_t>::max()};

  explicit Keys(const Layout& /*layout*/) {}
  void Write(const Piece& piece, int64_t run, WholeKey* out) const {
    ForRows(piece, [&](int64_t at, int64_t row) { out[at] = {piece.batch.places.at(row), run}; });
  }
  int64_t Run(const WholeKey& key) const { return key.run; }
  bool SamePlace(const WholeKey& a, const WholeKey& b) const { return a.place == b.place; }
  int64_t time(const WholeKey& key) const { return key.place.time; }
  int64_t source(const WholeKey& key) const { return key.place.source; }
  int64_t offset(const WholeKey& key) const { return key.place.offset; }
  int64_t path(const WholeKey& key) const { return key.place.path; }
};

}  // namespace sabot::shuffle
