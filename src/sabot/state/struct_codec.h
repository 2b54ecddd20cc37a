// Structs with named fields (data/fields.h) as Arrow columns and back: the form of every snapshot. A nested struct's
// columns are named outer.inner.
#pragma once

#include <arrow/array.h>
#include <arrow/buffer.h>
#include <arrow/record_batch.h>
#include <arrow/type_traits.h>
#include <arrow/util/bit_util.h>

#include <algorithm>
#include <bit>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "sabot/data/errors.h"
#include "sabot/data/fields.h"

namespace sabot::state {

// Calls function(path, std::type_identity<Member>, reach) for each member that has no fields of its own, in order;
// reach(object) is that member of an object.
template <data::HasFields Struct, class Function, class Outer = std::identity>
void ForEachLeaf(const Function& function, const std::string& prefix = "", const Outer& outer = {}) {
  data::ForEachField<Struct>([&](std::string_view name, auto member) {
    using Member = std::remove_cvref_t<decltype(std::declval<Struct&>().*member)>;
    const auto reach = [outer, member](auto& object) -> auto& { return outer(object).*member; };
    const std::string path = prefix + std::string(name);
    if constexpr (data::HasFields<Member>) {
      ForEachLeaf<Member>(function, path + ".", reach);
    } else {
      function(path, std::type_identity<Member>(), reach);
    }
  });
}

// The columns of structs, collected some at a time.
template <data::HasFields Struct>
class StructColumns {
 public:
  static arrow::FieldVector Fields() {
    arrow::FieldVector fields;
    ForEachLeaf<Struct>([&]<class Member>(const std::string& path, std::type_identity<Member>, const auto&) {
      fields.push_back(arrow::field(path, arrow::CTypeTraits<Member>::type_singleton(), /*nullable=*/false));
    });
    return fields;
  }

  // Begins anew, with room for so many.
  arrow::Status Reserve(int64_t rows) {
    buffers_.clear();
    rows_ = 0;
    arrow::Status status;
    ForEachLeaf<Struct>([&]<class Member>(const std::string&, std::type_identity<Member>, const auto&) {
      if (!status.ok()) return;
      auto buffer = arrow::AllocateResizableBuffer(Bytes<Member>(rows));
      status = buffer.status();
      if (!buffer.ok()) return;
      if constexpr (std::is_same_v<Member, bool>) std::fill_n((*buffer)->mutable_data(), Bytes<Member>(rows), 0);
      buffers_.push_back(std::move(*buffer));
    });
    return status;
  }

  // get(row) returns a reference to a struct. There must be room.
  template <class Get>
  void Append(int64_t rows, const Get& get) {
    std::size_t next = 0;
    ForEachLeaf<Struct>([&]<class Member>(const std::string&, std::type_identity<Member>, const auto& reach) {
      uint8_t* const values = buffers_[next++]->mutable_data();
      if constexpr (std::is_same_v<Member, bool>) {
        for (int64_t row = 0; row < rows; ++row) arrow::bit_util::SetBitTo(values, rows_ + row, reach(get(row)));
      } else {
        Member* const to = reinterpret_cast<Member*>(values) + rows_;
        for (int64_t row = 0; row < rows; ++row) to[row] = reach(get(row));
      }
    });
    rows_ += rows;
  }

  arrow::Result<arrow::ArrayVector> Finish() {
    arrow::ArrayVector arrays;
    arrow::Status status;
    ForEachLeaf<Struct>([&]<class Member>(const std::string&, std::type_identity<Member>, const auto&) {
      auto& buffer = buffers_[arrays.size()];
      status &= buffer->Resize(Bytes<Member>(rows_));
      arrays.push_back(arrow::MakeArray(arrow::ArrayData::Make(arrow::CTypeTraits<Member>::type_singleton(), rows_,
                                                               {nullptr, std::move(buffer)}, /*null_count=*/0)));
    });
    ARROW_RETURN_NOT_OK(status);
    return arrays;
  }

 private:
  template <class Member>
  static int64_t Bytes(int64_t rows) {
    return std::is_same_v<Member, bool> ? (rows + 7) / 8 : rows * static_cast<int64_t>(sizeof(Member));
  }

  std::vector<std::shared_ptr<arrow::ResizableBuffer>> buffers_;  // By leaf.
  int64_t rows_ = 0;
};

// Fills a struct a row from columns of a batch, found by name; get(row) returns a reference to one.
// Error (kSnapshot): a column is missing, of another type or has nulls.
template <data::HasFields Struct, class Get>
arrow::Status DecodeStructs(const arrow::RecordBatch& batch, const Get& get) {
  arrow::Status status;
  ForEachLeaf<Struct>([&]<class Member>(const std::string& path, std::type_identity<Member>, const auto& reach) {
    if (!status.ok()) return;
    using Traits = arrow::CTypeTraits<Member>;
    const auto column = batch.GetColumnByName(path);
    if (column == nullptr || !column->type()->Equals(Traits::type_singleton()) || column->null_count() > 0) {
      status = data::SnapshotError("snapshot: column '" + path + "' must be " + Traits::type_singleton()->ToString() +
                                   " without nulls, found " +
                                   (column == nullptr ? std::string("none") : column->type()->ToString()) + ".");
      return;
    }
    const auto& values = static_cast<const typename Traits::ArrayType&>(*column);
    for (int64_t row = 0; row < batch.num_rows(); ++row) reach(get(row)) = values.Value(row);
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
