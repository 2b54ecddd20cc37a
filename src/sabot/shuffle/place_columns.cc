#include <arrow/array/util.h>

#include <utility>
#include <vector>

#include "sabot/data/errors.h"
#include "sabot/shuffle/place_columns_internal.h"

namespace sabot::shuffle::internal {
namespace {

template <class Value, class ValueOf>
arrow::Result<std::shared_ptr<arrow::Array>> ColumnOf(const std::shared_ptr<arrow::DataType>& type,
                                                      const data::Frame& frame, arrow::MemoryPool* pool,
                                                      ValueOf value_of) {
  const int64_t rows = frame.num_rows();
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> bytes,
                        arrow::AllocateBuffer(rows * static_cast<int64_t>(sizeof(Value)), pool));
  auto* const values = bytes->mutable_data_as<Value>();
  for (int64_t row = 0; row < rows; ++row) values[row] = value_of(frame.place(row));
  return arrow::MakeArray(arrow::ArrayData::Make(type, rows, {nullptr, std::move(bytes)}, 0));
}

}  // namespace

arrow::FieldVector PlaceFields() {
  return {arrow::field("place time", arrow::int64()), arrow::field("place source", arrow::int32()),
          arrow::field("place offset", arrow::int64()), arrow::field("place path", arrow::int64())};
}

arrow::Result<arrow::ArrayVector> PlaceColumns(const data::Frame& frame, arrow::MemoryPool* pool) {
  using data::Place;
  ARROW_ASSIGN_OR_RAISE(auto times,
                        ColumnOf<int64_t>(arrow::int64(), frame, pool, [](const Place& p) { return p.time; }));
  ARROW_ASSIGN_OR_RAISE(auto sources,
                        ColumnOf<int32_t>(arrow::int32(), frame, pool, [](const Place& p) { return p.source; }));
  ARROW_ASSIGN_OR_RAISE(auto offsets,
                        ColumnOf<int64_t>(arrow::int64(), frame, pool, [](const Place& p) { return p.offset; }));
  ARROW_ASSIGN_OR_RAISE(auto paths,
                        ColumnOf<int64_t>(arrow::int64(), frame, pool, [](const Place& p) { return p.path; }));
  return arrow::ArrayVector{std::move(times), std::move(sources), std::move(offsets), std::move(paths)};
}

arrow::Result<data::Places> PlacesOf(const arrow::RecordBatch& batch) {
  const int columns = batch.num_columns();
  for (int i = columns - kPlaceColumns; i < columns; ++i) {
    if (batch.column(i)->null_count() > 0) return data::DataError("shuffle: a row whose place is missing.");
  }
  const auto* const times = batch.column_data(columns - 4)->GetValues<int64_t>(1);
  const auto* const sources = batch.column_data(columns - 3)->GetValues<int32_t>(1);
  const auto* const offsets = batch.column_data(columns - 2)->GetValues<int64_t>(1);
  const auto* const paths = batch.column_data(columns - 1)->GetValues<int64_t>(1);
  std::vector<data::Place> places(static_cast<std::size_t>(batch.num_rows()));
  for (std::size_t row = 0; row < places.size(); ++row) {
    places[row] = {.time = times[row], .source = sources[row], .offset = offsets[row], .path = paths[row]};
  }
  return data::Places::Of(places);
}

}  // namespace sabot::shuffle::internal
