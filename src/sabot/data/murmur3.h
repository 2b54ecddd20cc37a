// MurmurHash3_x86_32, the hash of keys: the same on every machine, and known to other systems. In steps, so that
// whoever hashes many short values of known length pays for no loop.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace sabot::data::murmur3 {

static_assert(std::endian::native == std::endian::little, "blocks are read as little-endian words");

constexpr uint32_t MixBlock(uint32_t block) { return std::rotl(block * 0xCC9E2D51U, 15) * 0x1B873593U; }

// Takes in four bytes.
constexpr uint32_t Absorb(uint32_t state, uint32_t block) {
  return std::rotl(state ^ MixBlock(block), 13) * 5 + 0xE6546B64U;
}

// Takes in the last one to three bytes, the others being 0; with none at all it changes nothing.
constexpr uint32_t AbsorbTail(uint32_t state, uint32_t tail) { return state ^ MixBlock(tail); }

constexpr uint32_t Finish(uint32_t state, uint32_t length) {
  state ^= length;
  state = (state ^ state >> 16) * 0x85EBCA6BU;
  state = (state ^ state >> 13) * 0xC2B2AE35U;
  return state ^ state >> 16;
}

inline uint32_t Load32(const char* bytes) {
  uint32_t block;
  std::memcpy(&block, bytes, sizeof block);
  return block;
}

// The whole blocks of `bytes`.
inline uint32_t AbsorbBlocks(uint32_t state, const char* bytes, std::size_t length) {
  for (std::size_t at = 0; at + 4 <= length; at += 4) state = Absorb(state, Load32(bytes + at));
  return state;
}

// What is left behind the whole blocks, as a block padded with zeros.
inline uint32_t TailOf(const char* bytes, std::size_t length) {
  uint32_t tail = 0;
  for (std::size_t at = length & ~std::size_t{3}; at < length; ++at)
    tail |= static_cast<uint32_t>(static_cast<unsigned char>(bytes[at])) << (at % 4 * 8);
  return tail;
}

inline uint32_t Hash(std::string_view bytes, uint32_t seed = 0) {
  const uint32_t state = AbsorbBlocks(seed, bytes.data(), bytes.size());
  return Finish(AbsorbTail(state, TailOf(bytes.data(), bytes.size())), static_cast<uint32_t>(bytes.size()));
}

}  // namespace sabot::data::murmur3
