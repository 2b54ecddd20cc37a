// Values to bytes and back: little-endian, one after the other. Reading never goes past the end: what is missing reads
// as nothing, and ok() tells.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "sabot/data/place.h"

namespace sabot::shuffle {

class WireWriter {
 public:
  template <std::integral Value>
  WireWriter& Put(Value value) {
    auto bits = static_cast<std::make_unsigned_t<Value>>(value);
    for (std::size_t i = 0; i < sizeof(Value); ++i) {
      bytes_.push_back(static_cast<char>(bits & 0xFF));
      if constexpr (sizeof(Value) > 1) bits = static_cast<decltype(bits)>(bits >> 8);
    }
    return *this;
  }
  WireWriter& PutBytes(std::string_view bytes) {  // With their number.
    Put(static_cast<uint32_t>(bytes.size()));
    bytes_.append(bytes);
    return *this;
  }
  // With its number of bytes, too: a reader passes over what it does not know.
  WireWriter& PutPlace(const data::Place& place) {
    WireWriter parts;
    parts.Put(place.time).Put(place.source).Put(place.offset).Put(place.path);
    return PutBytes(parts.bytes());
  }
  const std::string& bytes() const { return bytes_; }
  std::string Take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : left_(bytes) {}

  template <std::integral Value>
  Value Get() {
    if (left_.size() < sizeof(Value)) {
      Fail();
      return 0;
    }
    std::make_unsigned_t<Value> bits = 0;
    for (std::size_t i = sizeof(Value); i-- > 0;) {
      if constexpr (sizeof(Value) > 1) bits = static_cast<decltype(bits)>(bits << 8);
      bits = static_cast<decltype(bits)>(bits | static_cast<unsigned char>(left_[i]));
    }
    left_.remove_prefix(sizeof(Value));
    return static_cast<Value>(bits);
  }
  std::string_view GetBytes() {
    const auto size = Get<uint32_t>();
    if (size > left_.size()) {
      Fail();
      return {};
    }
    const std::string_view bytes = left_.substr(0, size);
    left_.remove_prefix(size);
    return bytes;
  }
  data::Place GetPlace() {
    WireReader parts(GetBytes());
    data::Place place;
    place.time = parts.Get<int64_t>();
    place.source = parts.Get<int32_t>();
    place.offset = parts.Get<int64_t>();
    place.path = parts.Get<int64_t>();
    if (!parts.ok()) Fail();
    return place;
  }
  bool ok() const { return ok_; }
  std::string_view rest() const { return left_; }

 private:
  void Fail() {
    ok_ = false;
    left_ = {};
  }
  std::string_view left_;
  bool ok_ = true;
};

}  // namespace sabot::shuffle
