#include "sabot/data/place.h"

#include <algorithm>

namespace sabot::data {
namespace {

template <class T>
std::shared_ptr<arrow::Buffer> Slice(const std::shared_ptr<arrow::Buffer>& values, int64_t begin, int64_t rows) {
  constexpr auto kBytes = static_cast<int64_t>(sizeof(T));
  return values == nullptr ? nullptr : arrow::SliceBuffer(values, begin * kBytes, rows * kBytes);
}

template <class T, class ValueOfRow>
arrow::Result<std::shared_ptr<arrow::Buffer>> Fill(std::size_t rows, ValueOfRow value_of_row) {
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> buffer,
                        arrow::AllocateBuffer(static_cast<int64_t>(rows * sizeof(T))));
  T* const values = buffer->mutable_data_as<T>();
  for (std::size_t row = 0; row < rows; ++row) values[row] = value_of_row(row);
  return buffer;
}

}  // namespace

std::string Place::ToString() const {
  return "offset " + std::to_string(offset) + " of source " + std::to_string(source);
}

Places Places::OfSource(int32_t source, int64_t offset, int64_t rows, std::shared_ptr<arrow::Buffer> times) {
  Places places;
  places.rows_ = rows;
  places.source_ = source;
  places.offset_ = offset;
  places.times_ = std::move(times);
  return places;
}

arrow::Result<Places> Places::Of(std::span<const Place> of) {
  Places places;
  places.rows_ = static_cast<int64_t>(of.size());
  ARROW_ASSIGN_OR_RAISE(places.times_, Fill<int64_t>(of.size(), [&](std::size_t row) { return of[row].time; }));
  ARROW_ASSIGN_OR_RAISE(places.sources_, Fill<int32_t>(of.size(), [&](std::size_t row) { return of[row].source; }));
  ARROW_ASSIGN_OR_RAISE(places.offsets_, Fill<int64_t>(of.size(), [&](std::size_t row) { return of[row].offset; }));
  return places;
}

Place Places::at(int64_t row) const {
  return {.time = times_ == nullptr ? 0 : times_->data_as<int64_t>()[row],
          .source = sources_ == nullptr ? source_ : sources_->data_as<int32_t>()[row],
          .offset = offsets_ == nullptr ? offset_ + row : offsets_->data_as<int64_t>()[row]};
}

Places Places::Slice(int64_t begin, int64_t rows) const {
  if (rows_ == 0) return {};
  Places places = *this;
  places.rows_ = std::clamp<int64_t>(rows, 0, rows_ - begin);
  places.offset_ = offset_ + begin;
  places.times_ = data::Slice<int64_t>(times_, begin, places.rows_);
  places.sources_ = data::Slice<int32_t>(sources_, begin, places.rows_);
  places.offsets_ = data::Slice<int64_t>(offsets_, begin, places.rows_);
  return places;
}

arrow::Result<Places> Places::Take(std::span<const int32_t> rows) const {
  if (rows_ == 0 || rows.empty()) return Places{};
  Places places = *this;
  places.rows_ = static_cast<int64_t>(rows.size());
  ARROW_ASSIGN_OR_RAISE(places.offsets_,
                        Fill<int64_t>(rows.size(), [&](std::size_t row) { return at(rows[row]).offset; }));
  if (times_ != nullptr) {
    const auto* const times = times_->data_as<int64_t>();
    ARROW_ASSIGN_OR_RAISE(places.times_, Fill<int64_t>(rows.size(), [&](std::size_t row) { return times[rows[row]]; }));
  }
  if (sources_ != nullptr) {
    const auto* const sources = sources_->data_as<int32_t>();
    ARROW_ASSIGN_OR_RAISE(places.sources_,
                          Fill<int32_t>(rows.size(), [&](std::size_t row) { return sources[rows[row]]; }));
  }
  return places;
}

}  // namespace sabot::data
