// Keys as a store has them: two bytes that say the key group, the greater one first, then the canonical bytes of
// docs/reference/key-hash.md. So the keys of a group stand together, and a range of groups is a range of keys.
#pragma once

#include <arrow/array.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sabot::state {

inline constexpr std::size_t kGroupBytes = 2;

inline void AppendGroup(uint32_t group, std::string& out) {
  out.push_back(static_cast<char>(group >> 8));
  out.push_back(static_cast<char>(group & 0xFF));
}
inline uint16_t GroupOf(std::string_view key) {
  return static_cast<uint16_t>(static_cast<unsigned char>(key[0]) << 8 | static_cast<unsigned char>(key[1]));
}

// The values of such keys: one array a field, of utf8, int64 or uint64 as data::KeyIndex::KeyFields() has them.
// Error (kSnapshot): bytes that are no key of these types.
arrow::Result<arrow::ArrayVector> KeyColumns(const arrow::FieldVector& fields, std::span<const std::string_view> keys);

}  // namespace sabot::state
