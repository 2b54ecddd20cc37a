// Random numbers that are the same on every platform, unlike the standard library's distributions.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace sabot::connectors::internal {

// splitmix64: one well-mixed word after another; here it seeds Xoshiro.
class SplitMix {
 public:
  explicit SplitMix(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t mixed = state_ += 0x9E3779B97F4A7C15;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
    return mixed ^ (mixed >> 31);
  }

 private:
  uint64_t state_;
};

// xoshiro256++ of Blackman and Vigna (2021), ACM Transactions on Mathematical Software 47(4).
class Xoshiro {
 public:
  // Streams of one seed are independent of each other.
  Xoshiro(uint64_t seed, uint64_t stream) {
    SplitMix words(SplitMix(seed).Next() + stream);
    for (uint64_t& word : state_) word = words.Next();
  }

  uint64_t Next() {
    const uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
    const uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

 private:
  std::array<uint64_t, 4> state_;
};

// In (0, 1], on a grid of 2^-53.
inline double UniformAboveZero(uint64_t bits) { return static_cast<double>((bits >> 11) + 1) * 0x1p-53; }

// Whether an event of this probability happens; `bits` are 32 random ones.
class Chance {
 public:
  explicit Chance(double probability) : threshold_(static_cast<uint64_t>(probability * 0x1p32)) {}
  bool Happens(uint32_t bits) const { return bits < threshold_; }

 private:
  uint64_t threshold_;
};

}  // namespace sabot::connectors::internal
