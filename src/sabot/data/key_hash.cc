#include "sabot/data/key_hash.h"

#include <arrow/array.h>
#include <arrow/scalar.h>
#include <arrow/util/checked_cast.h>
#include <arrow/util/logging.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/data/key_hash_column_internal.h"
#include "sabot/data/murmur3.h"

namespace sabot::data {

using internal::HashColumn;

struct KeyHasher::Impl {
  std::vector<std::string> by;
  std::vector<HashColumn> columns;
  std::vector<uint32_t> lengths;  // By row, of several columns: the bytes taken in so far.

  arrow::Result<const arrow::ArrayData*> ArrayOf(const HashColumn& column, const arrow::RecordBatch& batch) const {
    if (column.position < batch.num_columns()) {
      const arrow::ArrayData* const array = batch.column_data()[static_cast<std::size_t>(column.position)].get();
      if (array->type == column.type || array->type->Equals(*column.type)) return array;
    }
    return SchemaError("key column '" + column.name + "': a batch has another schema than the stream it belongs to.");
  }
};

KeyHasher::KeyHasher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KeyHasher::KeyHasher(KeyHasher&&) noexcept = default;
KeyHasher& KeyHasher::operator=(KeyHasher&&) noexcept = default;
KeyHasher::~KeyHasher() = default;

arrow::Result<KeyHasher> KeyHasher::Make(const arrow::Schema& schema, std::vector<std::string> by) {
  if (by.empty()) return OptionError("no key column is given. Name at least one, for example 'symbol'.");
  auto impl = std::make_unique<Impl>();
  for (auto name = by.begin(); name != by.end(); ++name) {
    if (std::find(by.begin(), name, *name) != name)
      return OptionError("key column '" + *name + "' is given twice. Name each key column once.");
    HashColumn& column = impl->columns.emplace_back();
    column.name = *name;
    column.alone = by.size() == 1;
    ARROW_RETURN_NOT_OK(BindHashColumn(schema, column));
  }
  impl->by = std::move(by);
  return KeyHasher(std::move(impl));
}

arrow::Status KeyHasher::Hash(const arrow::RecordBatch& batch, std::span<uint32_t> out) {
  ARROW_CHECK(static_cast<int64_t>(out.size()) == batch.num_rows());
  auto& columns = impl_->columns;
  if (columns.size() == 1) {
    ARROW_ASSIGN_OR_RAISE(const arrow::ArrayData* array, impl_->ArrayOf(columns[0], batch));
    return columns[0].hash(columns[0], *array, out.data());
  }
  auto& lengths = impl_->lengths;
  lengths.assign(out.size(), 0);
  std::fill(out.begin(), out.end(), 0);
  for (HashColumn& column : columns) {
    ARROW_ASSIGN_OR_RAISE(const arrow::ArrayData* array, impl_->ArrayOf(column, batch));
    ARROW_RETURN_NOT_OK(column.absorb(column, *array, out.data(), lengths.data()));
  }
  for (std::size_t row = 0; row < out.size(); ++row) out[row] = murmur3::Finish(out[row], lengths[row]);
  return arrow::Status::OK();
}

arrow::Status KeyHasher::AppendBytes(const arrow::RecordBatch& batch, int64_t row, std::string& out) const {
  for (const HashColumn& column : impl_->columns) {
    ARROW_RETURN_NOT_OK(impl_->ArrayOf(column, batch));
    ARROW_RETURN_NOT_OK(AppendRow(column, batch.column_data(column.position), row, out));
  }
  return arrow::Status::OK();
}

arrow::Result<std::string> KeyHasher::Describe(const arrow::RecordBatch& batch, int64_t row) const {
  std::string text;
  for (const HashColumn& column : impl_->columns) {
    ARROW_RETURN_NOT_OK(impl_->ArrayOf(column, batch));
    if (&column != impl_->columns.data()) text += ", ";
    ARROW_ASSIGN_OR_RAISE(auto value, batch.column(column.position)->GetScalar(row));
    if (value->is_valid && value->type->id() == arrow::Type::DICTIONARY) {
      ARROW_ASSIGN_OR_RAISE(value,
                            arrow::internal::checked_cast<const arrow::DictionaryScalar&>(*value).GetEncodedValue());
    }
    text += value->is_valid ? value->ToString() : "null";
  }
  return text;
}

const std::vector<std::string>& KeyHasher::by() const { return impl_->by; }

}  // namespace sabot::data
