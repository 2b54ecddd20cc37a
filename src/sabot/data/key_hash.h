// The hash of a key, by which rows find their task: MurmurHash3 of the key's canonical bytes. The same on every
// machine, in every run, and for every encoding of the same values. docs/reference/key-hash.md has the bytes and test
// vectors. One thread at a time.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace sabot::data {

class KeyHasher {
 public:
  // `by` names one or more columns of `schema`: text, binary, numbers, decimals, booleans, dates, times, null, or a
  // dictionary of these. Errors (kSchema): a column is missing (nearest names are shown), exists twice, or is of
  // another type; (kOption): `by` is empty or names a column twice.
  static arrow::Result<KeyHasher> Make(const arrow::Schema& schema, std::vector<std::string> by);

  KeyHasher(KeyHasher&&) noexcept;
  KeyHasher& operator=(KeyHasher&&) noexcept;
  ~KeyHasher();

  // The hash of each row's key; `out` has one entry a row. Null is a key as any other. A dictionary is hashed once, and
  // costs nothing in the next batch that has it. Errors (kSchema): the batch has another schema; (kData): a dictionary
  // index outside its dictionary.
  arrow::Status Hash(const arrow::RecordBatch& batch, std::span<uint32_t> out);

  // Appends the bytes of one row's key, of which Hash() gives the hash. Errors: as Hash().
  arrow::Status AppendBytes(const arrow::RecordBatch& batch, int64_t row, std::string& out) const;

  // One row's key for people: "BTC-USD, binance". Errors: as Hash().
  arrow::Result<std::string> Describe(const arrow::RecordBatch& batch, int64_t row) const;

  const std::vector<std::string>& by() const;

 private:
  struct Impl;
  explicit KeyHasher(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sabot::data
