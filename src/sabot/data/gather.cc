#include "sabot/data/gather.h"

#include <arrow/buffer.h>
#include <arrow/compute/api_vector.h>
#include <arrow/type_traits.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/checked_cast.h>

#include <algorithm>
#include <bit>

#include "sabot/data/bitmap.h"

namespace sabot::data {
namespace {

constexpr int64_t kWordRows = 64;

template <class Word>
arrow::Result<std::shared_ptr<arrow::Array>> GatherWords(const arrow::ArrayData& column,
                                                         std::span<const int32_t> rows) {
  const auto count = static_cast<int64_t>(rows.size());
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> buffer,
                        arrow::AllocateBuffer(count * static_cast<int64_t>(sizeof(Word))));
  const Word* const values = column.GetValues<Word>(1);
  Word* const out = buffer->mutable_data_as<Word>();
  for (std::size_t at = 0; at < rows.size(); ++at) out[at] = values[rows[at]];
  auto gathered = arrow::ArrayData::Make(column.type, count, {nullptr, std::move(buffer)}, /*null_count=*/0);
  gathered->dictionary = column.dictionary;
  return arrow::MakeArray(std::move(gathered));
}

// Arrow takes no views: the views themselves are gathered, the text they point to is shared.
arrow::Result<std::shared_ptr<arrow::Array>> GatherViews(const arrow::Array& column, std::span<const int32_t> rows) {
  struct View {
    uint64_t words[2];
  };
  const arrow::ArrayData& data = *column.data();
  const auto count = static_cast<int64_t>(rows.size());
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> views,
                        arrow::AllocateBuffer(count * static_cast<int64_t>(sizeof(View))));
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> validity, arrow::AllocateEmptyBitmap(count));
  const View* const values = data.GetValues<View>(1);
  View* const out = views->mutable_data_as<View>();
  int64_t nulls = 0;
  for (std::size_t at = 0; at < rows.size(); ++at) {
    out[at] = values[rows[at]];
    const bool valid = column.IsValid(rows[at]);
    nulls += valid ? 0 : 1;
    arrow::bit_util::SetBitTo(validity->mutable_data(), static_cast<int64_t>(at), valid);
  }
  std::vector<std::shared_ptr<arrow::Buffer>> buffers = {nulls > 0 ? validity : nullptr, std::move(views)};
  buffers.insert(buffers.end(), data.buffers.begin() + 2, data.buffers.end());
  return arrow::MakeArray(arrow::ArrayData::Make(data.type, count, std::move(buffers), nulls));
}

}  // namespace

std::vector<int32_t> TrueRows(const arrow::BooleanArray& values) {
  std::vector<int32_t> rows(static_cast<std::size_t>(values.true_count()));
  const arrow::ArrayData& data = *values.data();
  const uint8_t* const validity = values.null_count() > 0 ? data.buffers[0]->data() : nullptr;
  int32_t* out = rows.data();
  for (int64_t begin = 0; begin < data.length; begin += kWordRows) {
    const int64_t count = std::min(kWordRows, data.length - begin);
    uint64_t word = LoadBits(data.buffers[1]->data(), data.offset + begin, count);
    if (validity != nullptr) word &= LoadBits(validity, data.offset + begin, count);
    for (; word != 0; word &= word - 1) *out++ = static_cast<int32_t>(begin) + std::countr_zero(word);
  }
  return rows;
}

arrow::Result<std::shared_ptr<arrow::Array>> Gather(const arrow::Array& column, std::span<const int32_t> rows) {
  const arrow::DataType& type =
      column.type_id() == arrow::Type::DICTIONARY
          ? *arrow::internal::checked_cast<const arrow::DictionaryType&>(*column.type()).index_type()
          : *column.type();
  if (column.null_count() == 0 && (arrow::is_primitive(type.id()) || arrow::is_temporal(type.id()))) {
    switch (type.bit_width()) {
      case 8:
        return GatherWords<uint8_t>(*column.data(), rows);
      case 16:
        return GatherWords<uint16_t>(*column.data(), rows);
      case 32:
        return GatherWords<uint32_t>(*column.data(), rows);
      case 64:
        return GatherWords<uint64_t>(*column.data(), rows);
      default:
        break;
    }
  }
  if (arrow::is_binary_view_like(type.id())) return GatherViews(column, rows);
  const arrow::Int32Array indices(static_cast<int64_t>(rows.size()), arrow::Buffer::Wrap(rows.data(), rows.size()));
  return arrow::compute::Take(column, indices, arrow::compute::TakeOptions::NoBoundsCheck());
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> Gather(const arrow::RecordBatch& batch,
                                                          std::span<const int32_t> rows) {
  arrow::ArrayVector columns(static_cast<std::size_t>(batch.num_columns()));
  for (int column = 0; column < batch.num_columns(); ++column) {
    ARROW_ASSIGN_OR_RAISE(columns[static_cast<std::size_t>(column)], Gather(*batch.column(column), rows));
  }
  return arrow::RecordBatch::Make(batch.schema(), static_cast<int64_t>(rows.size()), std::move(columns));
}

}  // namespace sabot::data
