// The keys with the most rows, in bounded memory: a frequent-items summary (Misra & Gries 1982) to which whole batches
// are merged (Agarwal et al. 2012, "Mergeable summaries"). Only some batches are looked at, chosen by their number, so
// that two runs over the same batches name the same keys. For people and planners: results never depend on it.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "sabot/data/key_hash.h"

namespace sabot::data {

struct HotKey {
  std::string key;            // For people: "BTC-USD, binance".
  uint32_t hash = 0;
  int64_t rows_at_least = 0;  // Of rows_counted()...
  int64_t rows_at_most = 0;
  double share_at_least = 0;  // ...and as shares of them.
};

class HotKeys {
 public:
  // Names every key that has more than 1 / (keys_max + 1) of the rows counted. One batch of `every` is looked at, the
  // first one among them. Both are at least 1.
  explicit HotKeys(int32_t keys_max = 64, int32_t every = 16);

  // Whether the next batch is looked at; counts the batch. If so, Add() it.
  bool Due() { return batches_++ % every_ == 0; }
  // `hashes` as `hasher` gives them for `batch`. Keys of equal hash count as one. Errors: those of the hasher.
  arrow::Status Add(const KeyHasher& hasher, const arrow::RecordBatch& batch, std::span<const uint32_t> hashes);

  int64_t rows_counted() const { return rows_counted_; }
  // The `count` hottest, hottest first; of equal ones that with the smaller hash.
  std::vector<HotKey> Hottest(int32_t count = 10) const;

 private:
  struct Counted {
    uint32_t hash = 0;
    int32_t row = 0;  // The first in the batch; -1 for a key of the summary.
    int64_t rows = 0;
  };
  struct Known {
    Counted counted;
    std::string key;
  };
  // The keys of one batch, exactly, in order of first appearance; `table_` finds them by their hash.
  std::vector<Counted> Count(std::span<const uint32_t> hashes);
  // Where `table_` has the hash, or the place where it would be.
  std::size_t Find(const std::vector<Counted>& counted, uint32_t hash) const;

  std::size_t keys_max_;
  int64_t every_;
  int64_t batches_ = 0;
  int64_t rows_counted_ = 0;
  int64_t rows_forgotten_ = 0;  // At most so many of any key are not in `keys_`.
  std::vector<Known> keys_;  // In order of their hashes.
  std::vector<int32_t> table_;  // Of Count(): 1 + position, open addressing, a power of two.
};

}  // namespace sabot::data
