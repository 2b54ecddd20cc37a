#include "sabot/data/place.h"

#include <algorithm>
#include <limits>

#include "sabot/data/errors.h"

namespace sabot::data {
namespace {

constexpr int kLevelBits = 32;                                  // Of a path, the second level's...
constexpr int64_t kLevelRows = (int64_t{1} << kLevelBits) - 1;  // ...and how far they count.

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

template <class T>
arrow::Result<std::shared_ptr<arrow::Buffer>> Take(const std::shared_ptr<arrow::Buffer>& values,
                                                   std::span<const int32_t> rows) {
  if (values == nullptr) return nullptr;
  const T* const from = values->data_as<T>();
  return Fill<T>(rows.size(), [&](std::size_t row) { return from[rows[row]]; });
}

}  // namespace

std::string Place::ToString() const {
  std::string text = "offset " + std::to_string(offset) + " of source " + std::to_string(source);
  if (path == 0) return text;
  text += ", row " + std::to_string(path >> kLevelBits);
  if (const int64_t second = path & kLevelRows; second != 0) text += "." + std::to_string(second);
  return text + " made of it";
}

Places Places::OfSource(int32_t source, int64_t offset, int64_t rows, std::shared_ptr<arrow::Buffer> times) {
  return Places({.rows = rows, .source = source, .offset = offset, .times = std::move(times)});
}

arrow::Result<Places> Places::Of(std::span<const Place> of) {
  Columns made{.rows = static_cast<int64_t>(of.size())};
  ARROW_ASSIGN_OR_RAISE(made.times, Fill<int64_t>(of.size(), [&](std::size_t row) { return of[row].time; }));
  ARROW_ASSIGN_OR_RAISE(made.sources, Fill<int32_t>(of.size(), [&](std::size_t row) { return of[row].source; }));
  ARROW_ASSIGN_OR_RAISE(made.offsets, Fill<int64_t>(of.size(), [&](std::size_t row) { return of[row].offset; }));
  if (std::any_of(of.begin(), of.end(), [](const Place& place) { return place.path != 0; })) {
    ARROW_ASSIGN_OR_RAISE(made.paths, Fill<int64_t>(of.size(), [&](std::size_t row) { return of[row].path; }));
  }
  return Places(std::move(made));
}

arrow::Result<Places> Places::MadeOf(const Place& place, int64_t before, int64_t rows) {
  const bool second = place.path != 0;
  if ((place.path & kLevelRows) != 0) {
    return DataError(place.ToString() +
                     ": a third operator on the way makes rows of a row. A place counts those of two; "
                     "make them in one operator.");
  }
  const int64_t most = second ? kLevelRows : std::numeric_limits<int32_t>::max();
  if (before > most || rows > most - before) {
    return DataError(place.ToString() + ": an operator makes more than " + std::to_string(most) +
                     " rows of it, which is all that a place can count. Make fewer at a time.");
  }
  const auto count = static_cast<std::size_t>(rows);
  const int shift = second ? 0 : kLevelBits;
  Columns made{.rows = rows, .source = place.source};
  if (place.time != 0) {
    ARROW_ASSIGN_OR_RAISE(made.times, Fill<int64_t>(count, [&](std::size_t) { return place.time; }));
  }
  ARROW_ASSIGN_OR_RAISE(made.offsets, Fill<int64_t>(count, [&](std::size_t) { return place.offset; }));
  ARROW_ASSIGN_OR_RAISE(made.paths, Fill<int64_t>(count, [&](std::size_t row) {
                          return place.path + ((before + 1 + static_cast<int64_t>(row)) << shift);
                        }));
  return Places(std::move(made));
}

arrow::Result<Places> Places::Branched(int64_t number) const {
  Columns branched = columns_;
  const auto count = static_cast<std::size_t>(rows());
  for (std::size_t row = 0; row < count && columns_.paths != nullptr; ++row) {
    const Place place = at(static_cast<int64_t>(row));
    if ((place.path & kLevelRows) == 0) continue;
    return DataError(place.ToString() + ": two operators on the way make rows of a row, and then it comes to a union " +
                     "by several ways. A place cannot tell them apart; unite before the second of them.");
  }
  ARROW_ASSIGN_OR_RAISE(branched.paths, Fill<int64_t>(count, [&](std::size_t row) {
                          const int64_t path = at(static_cast<int64_t>(row)).path;
                          return path + ((number + 1) << (path == 0 ? kLevelBits : 0));
                        }));
  return Places(std::move(branched));
}

Place Places::at(int64_t row) const {
  return {.time = columns_.times == nullptr ? 0 : columns_.times->data_as<int64_t>()[row],
          .source = columns_.sources == nullptr ? columns_.source : columns_.sources->data_as<int32_t>()[row],
          .offset = columns_.offsets == nullptr ? columns_.offset + row : columns_.offsets->data_as<int64_t>()[row],
          .path = columns_.paths == nullptr ? 0 : columns_.paths->data_as<int64_t>()[row]};
}

Places Places::Slice(int64_t begin, int64_t rows) const {
  if (columns_.rows == 0) return {};
  const int64_t count = std::clamp<int64_t>(rows, 0, columns_.rows - begin);
  return Places({.rows = count,
                 .source = columns_.source,
                 .offset = columns_.offset + begin,
                 .times = data::Slice<int64_t>(columns_.times, begin, count),
                 .sources = data::Slice<int32_t>(columns_.sources, begin, count),
                 .offsets = data::Slice<int64_t>(columns_.offsets, begin, count),
                 .paths = data::Slice<int64_t>(columns_.paths, begin, count)});
}

arrow::Result<Places> Places::Take(std::span<const int32_t> rows) const {
  if (columns_.rows == 0 || rows.empty()) return Places{};
  Columns taken{.rows = static_cast<int64_t>(rows.size()), .source = columns_.source};
  ARROW_ASSIGN_OR_RAISE(taken.times, data::Take<int64_t>(columns_.times, rows));
  ARROW_ASSIGN_OR_RAISE(taken.sources, data::Take<int32_t>(columns_.sources, rows));
  ARROW_ASSIGN_OR_RAISE(taken.offsets, data::Take<int64_t>(columns_.offsets, rows));
  ARROW_ASSIGN_OR_RAISE(taken.paths, data::Take<int64_t>(columns_.paths, rows));
  if (taken.offsets == nullptr) {
    ARROW_ASSIGN_OR_RAISE(taken.offsets,
                          Fill<int64_t>(rows.size(), [&](std::size_t row) { return columns_.offset + rows[row]; }));
  }
  return Places(std::move(taken));
}

}  // namespace sabot::data
