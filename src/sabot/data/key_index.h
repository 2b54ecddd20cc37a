// Key -> slot: gives every distinct key (a symbol, or the values of several columns) a dense number in order of first
// appearance. Keys are compared by value, never by dictionary index. One thread at a time.
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

// The slots of consecutive rows.
struct Slots {
  std::span<int32_t> slots;      // [rows] out: the row's slot; 0 where the key is null.
  std::span<uint64_t> has_key;  // [ceil(rows / 64)] out: bit r is set where row r has a key (no key column is null).
  bool all_have_key = false;  // out: every row has a key.
};

class KeyIndex {
 public:
  // `by` names one or more columns of `schema`: utf8, large_utf8, utf8_view, any integer, or a dictionary of these with
  // any integer index type. Errors (kSchema): a column is missing (nearest names are shown), exists twice, or is of
  // another type; (kOption): `by` is empty or names a column twice.
  static arrow::Result<KeyIndex> Make(const arrow::Schema& schema, std::vector<std::string> by);

  KeyIndex(KeyIndex&&) noexcept;
  KeyIndex& operator=(KeyIndex&&) noexcept;
  ~KeyIndex();

  // Resolves rows [begin, begin + out.slots.size()) of `batch`, which has the schema given to Make. A dictionary is
  // resolved lazily and once: entries that no row uses get no slot, and the same dictionary in the next batch costs
  // nothing. Errors (kData): a dictionary index outside its dictionary, more than 2^31 - 1 keys; keys of rows before
  // keep their slots.
  arrow::Status Resolve(const arrow::RecordBatch& batch, int64_t begin, Slots& out);

  int64_t size() const;  // Slots given so far.
  const std::vector<std::string>& by() const;

  // One array a key column, row = slot: utf8 for strings, int64 or uint64 for integers.
  arrow::Result<arrow::ArrayVector> Keys() const;
  arrow::Result<arrow::ArrayVector> Keys(int64_t begin, int64_t end) const;  // Of slots [begin, end).
  // Their fields: named as in `by`, not nullable.
  arrow::FieldVector KeyFields() const;

  // Gives slots to keys as `Keys()` returned them; `slots` (out) has one entry a row.
  // Errors (kSnapshot): wrong number of columns or types, a null.
  arrow::Status Insert(const arrow::ArrayVector& keys, std::vector<int32_t>& slots);

 private:
  struct Impl;
  explicit KeyIndex(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sabot::data
