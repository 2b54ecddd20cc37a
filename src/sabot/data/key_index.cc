#include "sabot/data/key_index.h"

#include <arrow/array/array_base.h>
#include <arrow/util/logging.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "sabot/data/bitmap.h"
#include "sabot/data/errors.h"
#include "sabot/data/key_column_internal.h"
#include "sabot/data/key_table_internal.h"

namespace sabot::data {
namespace {

using internal::CannotInsert;
using internal::ChunkResolver;
using internal::IntegerTable;
using internal::kChunkRows;
using internal::KeyColumn;
using internal::kWordRows;

int64_t Pair(int32_t left, int32_t right) {
  return static_cast<int64_t>(static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right));
}

}  // namespace

struct KeyIndex::Impl {
  std::vector<std::string> by;
  std::vector<KeyColumn> columns;
  // One fewer than columns: (id of what stands left, id of the next column) -> id. The last one gives slots.
  std::vector<IntegerTable> pairs;

  int64_t size() const {
    if (!pairs.empty()) return pairs.back().size();
    return columns.front().key_type->id() == arrow::Type::STRING ? columns.front().strings.size()
                                                                 : columns.front().integers.size();
  }

  // `array_of(column)` is the column's ArrayData, `resolver` which of its resolvers to call.
  template <class ArrayOf>
  arrow::Status Resolve(const ArrayOf& array_of, ChunkResolver KeyColumn::* resolver, int64_t begin, Slots& out) {
    const auto rows = static_cast<int64_t>(out.slots.size());
    ARROW_CHECK(static_cast<int64_t>(out.has_key.size()) == (rows + kWordRows - 1) / kWordRows);
    std::array<int32_t, kChunkRows> next_ids;
    uint64_t missing = 0;
    for (int64_t base = 0; base < rows; base += kChunkRows) {
      const int64_t count = std::min(kChunkRows, rows - base);
      int32_t* const ids = out.slots.data() + base;
      uint64_t* const words = out.has_key.data() + base / kWordRows;
      for (int64_t at = 0; at < count; at += kWordRows) words[at / kWordRows] = LowBits(count - at);

      ARROW_RETURN_NOT_OK((columns[0].*resolver)(columns[0], array_of(columns[0]), begin + base, count, ids, words));
      for (std::size_t next = 1; next < columns.size(); ++next) {
        KeyColumn& column = columns[next];
        ARROW_RETURN_NOT_OK((column.*resolver)(column, array_of(column), begin + base, count, next_ids.data(), words));
        ARROW_RETURN_NOT_OK(Fold(pairs[next - 1], next_ids, count, ids, words));
      }
      for (int64_t at = 0; at < count; at += kWordRows) missing |= words[at / kWordRows] ^ LowBits(count - at);
    }
    out.all_have_key = missing == 0;
    return arrow::Status::OK();
  }

  arrow::Status Fold(IntegerTable& table, const std::array<int32_t, kChunkRows>& next_ids, int64_t count, int32_t* ids,
                     const uint64_t* words) {
    int32_t failed = 0;
    for (int64_t base = 0; base < count; base += kWordRows) {
      const int64_t rows = std::min(kWordRows, count - base);
      const uint64_t word = words[base / kWordRows];
      const auto fold = [&](int64_t at) {
        failed |= ids[at] = table.FindOrInsert(Pair(ids[at], next_ids[static_cast<std::size_t>(at)]));
      };
      if (word == LowBits(rows)) {
        for (int64_t at = base; at < base + rows; ++at) fold(at);
        continue;
      }
      for (int64_t at = base; at < base + rows; ++at) {
        if ((word >> (at - base) & 1) != 0) {
          fold(at);
        } else {
          ids[at] = 0;
        }
      }
    }
    if (failed < 0) [[unlikely]] {
      return CannotInsert(by.back(), internal::kTableFull);
    }
    return arrow::Status::OK();
  }
};

KeyIndex::KeyIndex(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KeyIndex::KeyIndex(KeyIndex&&) noexcept = default;
KeyIndex& KeyIndex::operator=(KeyIndex&&) noexcept = default;
KeyIndex::~KeyIndex() = default;

arrow::Result<KeyIndex> KeyIndex::Make(const arrow::Schema& schema, std::vector<std::string> by) {
  if (by.empty()) return OptionError("no key column is given. Name at least one, for example 'symbol'.");
  auto impl = std::make_unique<Impl>();
  for (std::size_t at = 0; at < by.size(); ++at) {
    if (std::find(by.begin(), by.begin() + static_cast<std::ptrdiff_t>(at), by[at]) !=
        by.begin() + static_cast<std::ptrdiff_t>(at)) {
      return OptionError("key column '" + by[at] + "' is given twice. Name each key column once.");
    }
    KeyColumn& column = impl->columns.emplace_back();
    column.name = by[at];
    ARROW_RETURN_NOT_OK(BindColumn(schema, column));
  }
  impl->pairs.resize(by.size() - 1);
  impl->by = std::move(by);
  return KeyIndex(std::move(impl));
}

arrow::Status KeyIndex::Resolve(const arrow::RecordBatch& batch, int64_t begin, Slots& out) {
  ARROW_CHECK(begin >= 0 && begin + static_cast<int64_t>(out.slots.size()) <= batch.num_rows());
  if (out.slots.empty()) {
    out.all_have_key = true;
    return arrow::Status::OK();
  }
  const arrow::ArrayDataVector& arrays = batch.column_data();
  for (const KeyColumn& column : impl_->columns) {
    const auto position = static_cast<std::size_t>(column.position);
    if (position >= arrays.size() || arrays[position]->type->id() != column.type->id()) {
      return SchemaError("key column '" + column.name + "': a batch has another schema than the stream it belongs to.");
    }
  }
  const auto array_of = [&arrays](const KeyColumn& column) -> const arrow::ArrayData& {
    return *arrays[static_cast<std::size_t>(column.position)];
  };
  return impl_->Resolve(array_of, &KeyColumn::resolve, begin, out);
}

int64_t KeyIndex::size() const { return impl_->size(); }

const std::vector<std::string>& KeyIndex::by() const { return impl_->by; }

arrow::Result<arrow::ArrayVector> KeyIndex::Keys() const { return Keys(0, size()); }

arrow::Result<arrow::ArrayVector> KeyIndex::Keys(int64_t begin, int64_t end) const {
  ARROW_CHECK(0 <= begin && begin <= end && end <= size());
  const auto& columns = impl_->columns;
  arrow::ArrayVector keys(columns.size());
  std::vector<int32_t> ids(static_cast<std::size_t>(end - begin));  // Of the columns that stand left, by slot.
  std::iota(ids.begin(), ids.end(), static_cast<int32_t>(begin));
  std::vector<int32_t> last_ids(columns.size() > 1 ? ids.size() : 0);
  for (std::size_t last = columns.size() - 1; last > 0; --last) {
    for (std::size_t row = 0; row < ids.size(); ++row) {
      const int64_t pair = impl_->pairs[last - 1].Value(ids[row]);
      last_ids[row] = static_cast<int32_t>(pair & 0xFFFFFFFF);
      ids[row] = static_cast<int32_t>(pair >> 32);
    }
    ARROW_ASSIGN_OR_RAISE(keys[last], ValuesOf(columns[last], last_ids));
  }
  ARROW_ASSIGN_OR_RAISE(keys[0], ValuesOf(columns[0], ids));
  return keys;
}

arrow::FieldVector KeyIndex::KeyFields() const {
  arrow::FieldVector fields;
  for (const KeyColumn& column : impl_->columns) {
    fields.push_back(arrow::field(column.name, column.key_type, /*nullable=*/false));
  }
  return fields;
}

arrow::Status KeyIndex::Insert(const arrow::ArrayVector& keys, std::vector<int32_t>& slots) {
  const auto& columns = impl_->columns;
  if (keys.size() != columns.size()) {
    return SnapshotError("snapshot has " + std::to_string(keys.size()) + " key columns, this job has " +
                         std::to_string(columns.size()) + ". Restore it into the job that wrote it.");
  }
  for (std::size_t at = 0; at < keys.size(); ++at) {
    const std::string where = "key column '" + columns[at].name + "' of the snapshot ";
    if (!keys[at]->type()->Equals(columns[at].key_type)) {
      return SnapshotError(where + "has type " + keys[at]->type()->ToString() + ", this job's keys have type " +
                           columns[at].key_type->ToString() + ". Restore it into a job with the same key types.");
    }
    if (keys[at]->length() != keys[0]->length()) {
      return SnapshotError(where + "has " + std::to_string(keys[at]->length()) + " rows, the first key column has " +
                           std::to_string(keys[0]->length()) + ". The snapshot is damaged; use another one.");
    }
    if (keys[at]->null_count() != 0) {
      return SnapshotError(where + "holds " + std::to_string(keys[at]->null_count()) +
                           " nulls, though a key is never null. The snapshot is damaged; use another one.");
    }
  }
  slots.resize(static_cast<std::size_t>(keys[0]->length()));
  if (slots.empty()) return arrow::Status::OK();
  std::vector<uint64_t> has_key((slots.size() + kWordRows - 1) / kWordRows);
  Slots out{.slots = slots, .has_key = has_key};
  const auto array_of = [&](const KeyColumn& column) -> const arrow::ArrayData& {
    return *keys[static_cast<std::size_t>(&column - columns.data())]->data();
  };
  return impl_->Resolve(array_of, &KeyColumn::resolve_keys, 0, out);
}

}  // namespace sabot::data
