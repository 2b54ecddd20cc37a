// The hash tables behind KeyIndex: value -> dense id in order of first appearance, open addressing with linear probing,
// at most half full, never smaller again. Ids follow the order of insertion alone, so the hash cannot be seen from
// outside.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace sabot::data::internal {

// What FindOrInsert returns instead of an id.
inline constexpr int32_t kTableFull = -1;
inline constexpr int32_t kKeyTooLong = -2;

inline constexpr int32_t kIdsMax = std::numeric_limits<int32_t>::max();

inline uint64_t Load64(const char* data) {
  uint64_t word;
  std::memcpy(&word, data, sizeof word);
  return word;
}

// Both halves of a 128-bit product, folded: every input bit reaches the high bits of the result.
inline uint64_t MultiplyFold(uint64_t a, uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

inline constexpr uint64_t kMixA = 0x9E3779B97F4A7C15;  // Fractional digits of the golden ratio,
inline constexpr uint64_t kMixB = 0xBB67AE8584CAA73B;  // of sqrt(3) and
inline constexpr uint64_t kMixC = 0x3C6EF372FE94F82B;  // of sqrt(5).

// A string in the form in which it is compared: its first 16 bytes, padded with zeros, its length, and where all of it
// lies.
struct StringKey {
  uint64_t head = 0;
  uint64_t tail = 0;
  int64_t length = 0;
  const char* data = nullptr;

  static constexpr int64_t kInlineBytes = 16;

  // Reads the string's bytes and nothing beyond.
  static StringKey Of(std::string_view text) {
    char padded[kInlineBytes] = {};
    const auto length = static_cast<int64_t>(text.size());
    if (length > 0)
      std::memcpy(padded, text.data(), static_cast<std::size_t>(length < kInlineBytes ? length : kInlineBytes));
    return {.head = Load64(padded), .tail = Load64(padded + 8), .length = length, .data = text.data()};
  }

  // Without branches on the length: reads 16 bytes at `data` and blanks those that are not the string's.
  static StringKey OfReadable16(const char* data, int64_t length) {
    struct Masks {
      uint64_t words[kInlineBytes + 1][2];
      constexpr Masks() : words() {
        for (std::size_t bytes = 0; bytes <= kInlineBytes; ++bytes) {
          words[bytes][0] = bytes >= 8 ? ~uint64_t{0} : (uint64_t{1} << (8 * bytes)) - 1;
          words[bytes][1] = bytes >= 16 ? ~uint64_t{0} : bytes <= 8 ? 0 : (uint64_t{1} << (8 * (bytes - 8))) - 1;
        }
      }
    };
    static_assert(std::endian::native == std::endian::little);
    static constexpr Masks kMasks;
    const uint64_t* const mask = kMasks.words[length < kInlineBytes ? length : kInlineBytes];
    return {.head = Load64(data) & mask[0], .tail = Load64(data + 8) & mask[1], .length = length, .data = data};
  }

  uint64_t Hash() const {
    uint64_t hash = MultiplyFold(head ^ kMixA, tail ^ kMixB ^ static_cast<uint64_t>(length));
    if (length > kInlineBytes) [[unlikely]] {
      for (int64_t at = kInlineBytes; at + 8 < length; at += 8) hash = MultiplyFold(hash ^ Load64(data + at), kMixC);
      hash = MultiplyFold(hash ^ Load64(data + length - 8), kMixC);
    }
    return hash;
  }
};

class StringTable {
 public:
  StringTable() : entries_(kInitialCapacity) {}

  int64_t size() const { return size_; }

  int32_t FindOrInsert(const StringKey& key) {
    const uint64_t hash = key.Hash();
    const Entry& first = entries_[hash >> shift_];
    if (Same(first, key)) [[likely]] {
      return first.id;
    }
    return FindFurther(key, hash);
  }

  // The string of an id, valid until the next insertion.
  std::string_view Value(int32_t id) const {
    const auto at = static_cast<std::size_t>(id);
    return std::string_view(arena_).substr(arena_ends_[at], arena_ends_[at + 1] - arena_ends_[at]);
  }

 private:
  static constexpr uint64_t kEmpty = ~uint64_t{0};  // As a length.
  static constexpr int kInitialBits = 8;
  static constexpr std::size_t kInitialCapacity = std::size_t{1} << kInitialBits;

  struct Entry {
    uint64_t head = 0;
    uint64_t tail = 0;
    uint64_t length = kEmpty;
    int32_t id = 0;
  };

  bool Same(const Entry& entry, const StringKey& key) const {
    const uint64_t differs =
        (entry.head ^ key.head) | (entry.tail ^ key.tail) | (entry.length ^ static_cast<uint64_t>(key.length));
    return differs == 0 && (key.length <= StringKey::kInlineBytes || SameRest(entry, key));
  }

  // Walks on from the key's first place. Out of line: the place is usually the first one.
  [[gnu::noinline]] int32_t FindFurther(const StringKey& key, uint64_t hash) {
    for (uint64_t at = hash >> shift_;; at = (at + 1) & (entries_.size() - 1)) {
      if (Same(entries_[at], key)) return entries_[at].id;
      if (entries_[at].length == kEmpty) return Insert(key, at);
    }
  }

  bool SameRest(const Entry& entry, const StringKey& key) const {
    return Value(entry.id).substr(StringKey::kInlineBytes) ==
           std::string_view(key.data, static_cast<std::size_t>(key.length)).substr(StringKey::kInlineBytes);
  }

  int32_t Insert(const StringKey& key, uint64_t at) {
    if (size_ == kIdsMax) return kTableFull;
    if (key.length > std::numeric_limits<int32_t>::max()) return kKeyTooLong;  // utf8 could not hold it.
    const Entry entry{.head = key.head, .tail = key.tail, .length = static_cast<uint64_t>(key.length), .id = size_++};
    arena_.append(key.data, static_cast<std::size_t>(key.length));
    arena_ends_.push_back(arena_.size());
    entries_[at] = entry;
    if (2 * static_cast<std::size_t>(size_) > entries_.size()) Grow();
    return entry.id;
  }

  void Grow() {
    std::vector<Entry> before(2 * entries_.size());
    before.swap(entries_);
    --shift_;
    for (const Entry& entry : before) {
      if (entry.length == kEmpty) continue;
      uint64_t at = StringKey::Of(Value(entry.id)).Hash() >> shift_;
      while (entries_[at].length != kEmpty) at = (at + 1) & (entries_.size() - 1);
      entries_[at] = entry;
    }
  }

  std::vector<Entry> entries_;
  int shift_ = 64 - kInitialBits;
  int32_t size_ = 0;
  std::string arena_;  // The strings by id, one behind the other:
  std::vector<std::size_t> arena_ends_ = {0};  // id's ends at [id + 1].
};

class IntegerTable {
 public:
  IntegerTable() : entries_(kInitialCapacity) {}

  int64_t size() const { return size_; }

  int32_t FindOrInsert(int64_t key) {
    const uint64_t hash = Hash(key);
    const Entry& first = entries_[hash >> shift_];
    if (first.key == key && first.id != kEmpty) [[likely]] {
      return first.id;
    }
    return FindFurther(key, hash);
  }

  // The key of an id.
  int64_t Value(int32_t id) const { return values_[static_cast<std::size_t>(id)]; }

 private:
  static constexpr int32_t kEmpty = -1;  // As an id.
  static constexpr int kInitialBits = 8;
  static constexpr std::size_t kInitialCapacity = std::size_t{1} << kInitialBits;

  struct Entry {
    int64_t key = 0;
    int32_t id = kEmpty;
  };

  static uint64_t Hash(int64_t key) { return MultiplyFold(static_cast<uint64_t>(key) ^ kMixA, kMixB); }

  [[gnu::noinline]] int32_t FindFurther(int64_t key, uint64_t hash) {
    for (uint64_t at = hash >> shift_;; at = (at + 1) & (entries_.size() - 1)) {
      const Entry& entry = entries_[at];
      if (entry.id == kEmpty) return Insert(key, at);
      if (entry.key == key) return entry.id;
    }
  }

  int32_t Insert(int64_t key, uint64_t at) {
    if (size_ == kIdsMax) return kTableFull;
    const int32_t id = size_++;
    entries_[at] = {.key = key, .id = id};
    values_.push_back(key);
    if (2 * static_cast<std::size_t>(size_) > entries_.size()) Grow();
    return id;
  }

  void Grow() {
    std::vector<Entry> before(2 * entries_.size());
    before.swap(entries_);
    --shift_;
    for (const Entry& entry : before) {
      if (entry.id == kEmpty) continue;
      uint64_t at = Hash(entry.key) >> shift_;
      while (entries_[at].id != kEmpty) at = (at + 1) & (entries_.size() - 1);
      entries_[at] = entry;
    }
  }

  std::vector<Entry> entries_;
  int shift_ = 64 - kInitialBits;
  int32_t size_ = 0;
  std::vector<int64_t> values_;  // By id.
};

}  // namespace sabot::data::internal
