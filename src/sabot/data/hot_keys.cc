#include "sabot/data/hot_keys.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <utility>

namespace sabot::data {

HotKeys::HotKeys(int32_t keys_max, int32_t every) : keys_max_(static_cast<std::size_t>(keys_max)), every_(every) {}

std::size_t HotKeys::Find(const std::vector<Counted>& counted, uint32_t hash) const {
  std::size_t at = hash & (table_.size() - 1);
  while (table_[at] != 0 && counted[static_cast<std::size_t>(table_[at] - 1)].hash != hash)
    at = (at + 1) & (table_.size() - 1);
  return at;
}

std::vector<HotKeys::Counted> HotKeys::Count(std::span<const uint32_t> hashes) {
  table_.assign(std::bit_ceil(2 * hashes.size() + 1), 0);
  std::vector<Counted> counted;
  for (std::size_t row = 0; row < hashes.size(); ++row) {
    const std::size_t at = Find(counted, hashes[row]);
    if (table_[at] == 0) {
      counted.push_back({.hash = hashes[row], .row = static_cast<int32_t>(row), .rows = 0});
      table_[at] = static_cast<int32_t>(counted.size());
    }
    ++counted[static_cast<std::size_t>(table_[at] - 1)].rows;
  }
  return counted;
}

arrow::Status HotKeys::Add(const KeyHasher& hasher, const arrow::RecordBatch& batch, std::span<const uint32_t> hashes) {
  rows_counted_ += static_cast<int64_t>(hashes.size());
  std::vector<Counted> merged = Count(hashes);
  for (const auto& [known, key] : keys_) {
    if (const int32_t found = table_[Find(merged, known.hash)]; found != 0) {
      merged[static_cast<std::size_t>(found - 1)].rows += known.rows;
      merged[static_cast<std::size_t>(found - 1)].row = -1;
    } else {
      merged.push_back(known);
    }
  }
  if (merged.size() > keys_max_) {  // What the next one below the kept ones has is taken from all.
    const auto next = merged.begin() + static_cast<std::ptrdiff_t>(keys_max_);
    std::nth_element(merged.begin(), next, merged.end(),
                     [](const Counted& a, const Counted& b) { return a.rows > b.rows; });
    const int64_t taken = next->rows;
    rows_forgotten_ += taken;
    merged.erase(next, merged.end());
    std::erase_if(merged, [taken](Counted& key) { return (key.rows -= taken) <= 0; });
  }
  std::sort(merged.begin(), merged.end(), [](const Counted& a, const Counted& b) { return a.hash < b.hash; });
  std::vector<Known> kept;
  auto named = keys_.begin();
  for (const Counted& key : merged) {
    while (named != keys_.end() && named->counted.hash < key.hash) ++named;
    Known& known = kept.emplace_back();
    known.counted = {.hash = key.hash, .row = -1, .rows = key.rows};
    if (key.row < 0) {
      known.key = std::move(named->key);
    } else {
      ARROW_ASSIGN_OR_RAISE(known.key, hasher.Describe(batch, key.row));
    }
  }
  keys_ = std::move(kept);
  return arrow::Status::OK();
}

std::vector<HotKey> HotKeys::Hottest(int32_t count) const {
  std::vector<HotKey> hottest;
  for (const auto& [counted, key] : keys_) {
    hottest.push_back({.key = key,
                       .hash = counted.hash,
                       .rows_at_least = counted.rows,
                       .rows_at_most = counted.rows + rows_forgotten_,
                       .share_at_least = static_cast<double>(counted.rows) / static_cast<double>(rows_counted_)});
  }
  std::stable_sort(hottest.begin(), hottest.end(),
                   [](const HotKey& a, const HotKey& b) { return a.rows_at_least > b.rows_at_least; });
  hottest.resize(std::min(hottest.size(), static_cast<std::size_t>(std::max(count, 0))));
  return hottest;
}

}  // namespace sabot::data
