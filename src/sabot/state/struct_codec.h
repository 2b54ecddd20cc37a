// Structs with named fields (data/fields.h) as Arrow columns and back: the form of every snapshot. A nested struct's
// columns are named outer.inner.
#pragma once

#include <arrow/array.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/record_batch.h>
#include <arrow/type_traits.h>

#include <bit>
#include <string>
#include <type_traits>

#include "sabot/data/errors.h"
#include "sabot/data/fields.h"

namespace sabot::state {

// Columns being collected.
struct Columns {
  arrow::FieldVector fields;
  arrow::ArrayVector arrays;
};

// Appends the columns of `rows` structs; get(row) returns a reference to one.
template <data::HasFields Struct, class Get>
arrow::Status EncodeStructs(const std::string& prefix, int64_t rows, const Get& get, Columns& columns) {
  arrow::Status status;
  data::ForEachField<Struct>([&](std::string_view name, auto member) {
    using Member = std::remove_cvref_t<decltype(get(0).*member)>;
    if (!status.ok()) return;
    const std::string path = prefix + std::string(name);
    if constexpr (data::HasFields<Member>) {
      status = EncodeStructs<Member>(
          path + ".", rows, [&](int64_t row) -> const Member& { return get(row).*member; }, columns);
    } else {
      typename arrow::CTypeTraits<Member>::BuilderType builder;
      status = builder.Reserve(rows);
      for (int64_t row = 0; status.ok() && row < rows; ++row) builder.UnsafeAppend(get(row).*member);
      std::shared_ptr<arrow::Array> array;
      if (status.ok()) status = builder.Finish(&array);
      columns.fields.push_back(arrow::field(path, arrow::CTypeTraits<Member>::type_singleton(), /*nullable=*/false));
      columns.arrays.push_back(std::move(array));
    }
  });
  return status;
}

// Fills `rows` structs from columns of a batch, found by name; get(row) returns a reference to one.
// Error (kSnapshot): a column is missing, of another type or has nulls.
template <data::HasFields Struct, class Get>
arrow::Status DecodeStructs(const std::string& prefix, const arrow::RecordBatch& batch, const Get& get) {
  arrow::Status status;
  data::ForEachField<Struct>([&](std::string_view name, auto member) {
    using Member = std::remove_cvref_t<decltype(get(0).*member)>;
    if (!status.ok()) return;
    const std::string path = prefix + std::string(name);
    if constexpr (data::HasFields<Member>) {
      status = DecodeStructs<Member>(path + ".", batch, [&](int64_t row) -> Member& { return get(row).*member; });
    } else {
      using Traits = arrow::CTypeTraits<Member>;
      const auto column = batch.GetColumnByName(path);
      if (column == nullptr || !column->type()->Equals(Traits::type_singleton()) || column->null_count() > 0) {
        status = data::SnapshotError("snapshot: column '" + path + "' must be " + Traits::type_singleton()->ToString() +
                                     " without nulls, found " +
                                     (column == nullptr ? std::string("none") : column->type()->ToString()) + ".");
        return;
      }
      const auto& values = static_cast<const typename Traits::ArrayType&>(*column);
      for (int64_t row = 0; row < batch.num_rows(); ++row) get(row).*member = values.Value(row);
    }
  });
  return status;
}

// Whether all fields hold the same bits.
template <data::HasFields Struct>
bool SameBits(const Struct& left, const Struct& right) {
  bool same = true;
  data::ForEachField<Struct>([&](std::string_view, auto member) {
    using Member = std::remove_cvref_t<decltype(left.*member)>;
    if constexpr (data::HasFields<Member>) {
      same = same && SameBits(left.*member, right.*member);
    } else if constexpr (std::is_same_v<Member, double>) {
      same = same && std::bit_cast<uint64_t>(left.*member) == std::bit_cast<uint64_t>(right.*member);
    } else {
      same = same && left.*member == right.*member;
    }
  });
  return same;
}

}  // namespace sabot::state
