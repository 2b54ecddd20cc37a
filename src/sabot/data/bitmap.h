// Validity bitmaps in words of 64 rows.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace sabot::data {

// The low `count` bits set; count in 0..64.
inline uint64_t LowBits(int64_t count) { return count >= 64 ? ~uint64_t{0} : (uint64_t{1} << count) - 1; }

// Bits [bit, bit + count) of an Arrow bitmap, count in 1..64, in the low bits. Reads no byte beyond them.
inline uint64_t LoadBits(const uint8_t* bitmap, int64_t bit, int64_t count) {
  const uint8_t* from = bitmap + bit / 8;
  const int shift = static_cast<int>(bit % 8);
  const int64_t bytes = (shift + count + 7) / 8;
  uint64_t low = 0;
  std::memcpy(&low, from, static_cast<std::size_t>(bytes < 8 ? bytes : 8));
  low >>= shift;
  if (bytes > 8) low |= uint64_t{from[8]} << (64 - shift);
  return low & LowBits(count);
}

// A bit for each byte, which is 0 or 1.
inline uint64_t PackBytes(const std::array<uint8_t, 64>& bytes) {
  uint64_t word = 0;
  for (std::size_t at = 0; at < 8; ++at) {
    uint64_t eight = 0;
    std::memcpy(&eight, bytes.data() + 8 * at, 8);
    word |= (eight * 0x0102040810204080) >> 56 << (8 * at);  // Byte i moves to bit 56 + i.
  }
  return word;
}

}  // namespace sabot::data
