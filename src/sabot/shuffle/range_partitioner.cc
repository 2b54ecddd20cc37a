#include "sabot/shuffle/range_partitioner.h"

#include <arrow/compute/cast.h>
#include <arrow/type_traits.h>
#include <arrow/util/checked_cast.h>

#include <concepts>
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

#include "sabot/data/errors.h"

namespace sabot::shuffle {

class Ranges {
 public:
  virtual ~Ranges() = default;
  // Whether bound `at` is below the next one.
  virtual bool Ascends(int64_t at) const = 0;
  virtual bool IsNan(int64_t at) const = 0;
  virtual void PartitionsOf(const arrow::Array& values, uint16_t* out) const = 0;
};

namespace {

using arrow::internal::checked_cast;

template <class Type>
class RangesOf final : public Ranges {
 public:
  using Array = typename arrow::TypeTraits<Type>::ArrayType;
  using Value = std::remove_cvref_t<decltype(std::declval<const Array&>().GetView(0))>;

  explicit RangesOf(std::shared_ptr<arrow::Array> bounds) : array_(std::move(bounds)) {
    const auto& typed = checked_cast<const Array&>(*array_);
    for (int64_t at = 0; at < typed.length(); ++at) bounds_.push_back(typed.GetView(at));
  }

  bool Ascends(int64_t at) const override {
    return bounds_[static_cast<std::size_t>(at)] < bounds_[static_cast<std::size_t>(at) + 1];
  }
  bool IsNan(int64_t at) const override {
    const Value& bound = bounds_[static_cast<std::size_t>(at)];
    return bound != bound;
  }

  void PartitionsOf(const arrow::Array& values, uint16_t* out) const override {
    const auto& typed = checked_cast<const Array&>(values);
    const auto last = static_cast<uint16_t>(bounds_.size());
    if (bounds_.empty()) {
      std::fill_n(out, typed.length(), last);
    } else if (typed.null_count() == 0) {
      for (int64_t row = 0; row < typed.length(); ++row) out[row] = PartitionOf(typed.GetView(row), last);
    } else {
      for (int64_t row = 0; row < typed.length(); ++row)
        out[row] = typed.IsNull(row) ? last : PartitionOf(typed.GetView(row), last);
    }
  }

 private:
  // How many bounds are not above the value, by a binary search whose steps depend on nothing but their number.
  uint16_t PartitionOf(const Value& value, [[maybe_unused]] uint16_t last) const {
    if constexpr (std::floating_point<Value>) {
      if (value != value) return last;
    }
    const Value* base = bounds_.data();
    for (std::size_t left = bounds_.size(); left > 1;) {
      const std::size_t half = left / 2;
      base += base[half - 1] <= value ? half : 0;
      left -= half;
    }
    return static_cast<uint16_t>(base - bounds_.data() + (*base <= value ? 1 : 0));
  }

  std::shared_ptr<arrow::Array> array_;  // Text lies there.
  std::vector<Value> bounds_;
};

// Nothing, where values of the type have no ranges.
std::unique_ptr<Ranges> MakeRanges(const std::shared_ptr<arrow::Array>& bounds) {
  switch (bounds->type_id()) {
#define SABOT_RANGES(ID, TYPE) \
  case arrow::Type::ID:        \
    return std::make_unique<RangesOf<arrow::TYPE>>(bounds)
    SABOT_RANGES(INT8, Int8Type);
    SABOT_RANGES(INT16, Int16Type);
    SABOT_RANGES(INT32, Int32Type);
    SABOT_RANGES(INT64, Int64Type);
    SABOT_RANGES(UINT8, UInt8Type);
    SABOT_RANGES(UINT16, UInt16Type);
    SABOT_RANGES(UINT32, UInt32Type);
    SABOT_RANGES(UINT64, UInt64Type);
    SABOT_RANGES(FLOAT, FloatType);
    SABOT_RANGES(DOUBLE, DoubleType);
    SABOT_RANGES(DATE32, Date32Type);
    SABOT_RANGES(DATE64, Date64Type);
    SABOT_RANGES(TIME32, Time32Type);
    SABOT_RANGES(TIME64, Time64Type);
    SABOT_RANGES(TIMESTAMP, TimestampType);
    SABOT_RANGES(DURATION, DurationType);
    SABOT_RANGES(STRING, StringType);
    SABOT_RANGES(LARGE_STRING, LargeStringType);
    SABOT_RANGES(STRING_VIEW, StringViewType);
    SABOT_RANGES(BINARY, BinaryType);
    SABOT_RANGES(LARGE_BINARY, LargeBinaryType);
    SABOT_RANGES(BINARY_VIEW, BinaryViewType);
    SABOT_RANGES(FIXED_SIZE_BINARY, FixedSizeBinaryType);
#undef SABOT_RANGES
    default:
      return nullptr;
  }
}

const std::shared_ptr<arrow::DataType>& ValueTypeOf(const std::shared_ptr<arrow::DataType>& type) {
  return type->id() == arrow::Type::DICTIONARY ? checked_cast<const arrow::DictionaryType&>(*type).value_type() : type;
}

}  // namespace

RangePartitioner::RangePartitioner(int partitions) : partitions_(partitions), counts_(partitions) {}
RangePartitioner::~RangePartitioner() = default;

arrow::Result<std::unique_ptr<RangePartitioner>> RangePartitioner::Make(const arrow::Schema& schema, std::string column,
                                                                        const arrow::Array& bounds, int partitions) {
  const std::string where = "range partitioner: ";
  ARROW_RETURN_NOT_OK(CheckPartitions(partitions));
  const std::vector<int> positions = schema.GetAllFieldIndices(column);
  if (positions.empty()) {
    return data::SchemaError(where + "column '" + column + "' is missing." +
                             data::NearestNames(column, schema.field_names()));
  }
  if (positions.size() > 1) {
    return data::SchemaError(where + "column '" + column + "' exists " + std::to_string(positions.size()) +
                             " times. Rename all but one of them.");
  }
  std::unique_ptr<RangePartitioner> made(new RangePartitioner(partitions));
  made->position_ = positions.front();
  made->type_ = schema.field(made->position_)->type();
  const auto& value_type = ValueTypeOf(made->type_);
  ARROW_ASSIGN_OR_RAISE(const auto no_values, arrow::MakeEmptyArray(value_type));
  if (MakeRanges(no_values) == nullptr) {
    return data::SchemaError(where + "column '" + column + "' has type " + made->type_->ToString() +
                             "; ranges are those of integers, float32, float64, dates, times, durations, text, binary, "
                             "or a dictionary of these. Cast it at its source.");
  }
  if (bounds.length() != partitions - 1) {
    return data::OptionError(where + std::to_string(partitions) + " partitions have " + std::to_string(partitions - 1) +
                             " bounds between them, found " + std::to_string(bounds.length()) + ".");
  }
  if (bounds.null_count() > 0) return data::OptionError(where + "a bound is null. Give a value for each bound.");
  auto cast = arrow::compute::Cast(bounds, value_type);
  if (!cast.ok()) {
    return data::OptionError(where + "the bounds, of type " + bounds.type()->ToString() + ", do not fit column '" +
                             column + "' of type " + value_type->ToString() + ": " + cast.status().message());
  }
  const std::shared_ptr<arrow::Array> as_values = *cast;
  made->ranges_ = MakeRanges(as_values);
  for (int64_t at = 0; at < as_values->length(); ++at) {
    if (made->ranges_->IsNan(at)) return data::OptionError(where + "a bound is NaN, which has no place in an order.");
  }
  for (int64_t at = 0; at + 1 < as_values->length(); ++at) {
    if (made->ranges_->Ascends(at)) continue;
    ARROW_ASSIGN_OR_RAISE(const auto bound, as_values->GetScalar(at));
    ARROW_ASSIGN_OR_RAISE(const auto next, as_values->GetScalar(at + 1));
    return data::OptionError(where + "bound " + std::to_string(at + 1) + ", " + next->ToString() +
                             ", is not above the one before it, " + bound->ToString() + ". Sort the bounds.");
  }
  made->column_ = std::move(column);
  return made;
}

arrow::Result<Split> RangePartitioner::Partition(const data::Batch& batch) {
  if (position_ >= batch.rows->num_columns() || !batch.rows->column_data()[position_]->type->Equals(*type_)) {
    return data::SchemaError("range partitioner: column '" + column_ +
                             "': a batch has another schema than the stream it belongs to.");
  }
  const std::shared_ptr<arrow::Array> column = batch.rows->column(position_);
  row_partition_.resize(static_cast<std::size_t>(column->length()));
  if (type_->id() != arrow::Type::DICTIONARY) {
    ranges_->PartitionsOf(*column, row_partition_.data());
    return SplitRows(row_partition_, counts_.Of(row_partition_));
  }
  const auto& coded = checked_cast<const arrow::DictionaryArray&>(*column);
  const auto entries = static_cast<std::size_t>(coded.data()->dictionary->length);
  if (dictionary_ == nullptr || dictionary_->data() != coded.data()->dictionary) {
    dictionary_ = coded.dictionary();
    entry_partition_.assign(entries + 1, static_cast<uint16_t>(partitions_ - 1));
    ranges_->PartitionsOf(*dictionary_, entry_partition_.data());
  }
  const bool has_nulls = coded.null_count() > 0;
  for (int64_t row = 0; row < coded.length(); ++row) {
    const bool null = has_nulls && coded.IsNull(row);
    const auto entry = null ? entries : static_cast<std::size_t>(coded.GetValueIndex(row));
    if (entry >= entries && !null) {
      return data::DataError("range partitioner: column '" + column_ + "', row " + std::to_string(row) +
                             ": dictionary index " + std::to_string(static_cast<int64_t>(entry)) +
                             " lies outside its dictionary of " + std::to_string(entries) +
                             " entries. Validate the batch where it is made.");
    }
    row_partition_[static_cast<std::size_t>(row)] = entry_partition_[entry];
  }
  return SplitRows(row_partition_, counts_.Of(row_partition_));
}

}  // namespace sabot::shuffle
