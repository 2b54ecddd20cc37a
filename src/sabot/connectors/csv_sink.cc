#include "sabot/connectors/csv_sink.h"

#include <arrow/array.h>
#include <arrow/compute/cast.h>
#include <arrow/io/interfaces.h>
#include <arrow/type.h>
#include <arrow/type_traits.h>
#include <arrow/util/checked_cast.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "sabot/connectors/file_sink_internal.h"
#include "sabot/data/errors.h"

namespace sabot::connectors {
namespace {

using arrow::internal::checked_cast;
using internal::SinkWhere;

const std::string kConnector = "csv sink";
constexpr const char* kSuffix = ".csv";
constexpr std::size_t kWriteBytes = std::size_t{1} << 20;
constexpr int64_t kChunkRows = 1'024;  // Of which each column is made text in one go.

template <class Number>
void AppendNumber(Number number, std::string& text) {
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  text.append(digits.data(), end);
}

template <class Float>
void AppendFloat(Float number, std::string& text) {
  if (std::isnan(number)) {
    text += "nan";  // Whatever its bits.
  } else {
    AppendNumber(number, text);
  }
}

void AppendDigits(int64_t number, int digits, std::string& text) {
  std::array<char, 20> reversed;
  for (int digit = 0; digit < digits; ++digit, number /= 10) {
    reversed[static_cast<std::size_t>(digit)] = static_cast<char>('0' + number % 10);
  }
  text.append(reversed.rend() - digits, reversed.rend());
}

// 2024-01-02T03:04:05.123456789
class TimestampText {
 public:
  explicit TimestampText(const arrow::TimestampType& type) : zoned_(!type.timezone().empty()) {
    constexpr std::array kDigits = {0, 3, 6, 9};
    digits_ = kDigits[static_cast<std::size_t>(type.unit())];
    for (int digit = 0; digit < digits_; ++digit) per_second_ *= 10;
  }

  void Append(int64_t value, std::string& text) {
    const int64_t second = value / per_second_ - (value % per_second_ < 0);
    const int64_t fraction = value - second * per_second_;
    const int64_t day = second / 86'400 - (second % 86'400 < 0);
    if (day != day_) SetDay(day);
    text += date_;
    const int64_t clock = second - day * 86'400;
    text += 'T';
    AppendDigits(clock / 3'600, 2, text);
    text += ':';
    AppendDigits(clock / 60 % 60, 2, text);
    text += ':';
    AppendDigits(clock % 60, 2, text);
    if (digits_ > 0) {
      text += '.';
      AppendDigits(fraction, digits_, text);
    }
    if (zoned_) text += 'Z';
  }

 private:
  // Rows next to each other are mostly of one day.
  void SetDay(int64_t day) {
    // By the civil calendar in cycles of 400 years of 146,097 days, so that any 64-bit second has a date.
    const int64_t shifted = day + 719'468;  // From 0000-03-01.
    const int64_t cycle = shifted / 146'097 - (shifted % 146'097 < 0);
    const int64_t day_of_cycle = shifted - cycle * 146'097;
    const int64_t year_of_cycle =
        (day_of_cycle - day_of_cycle / 1'460 + day_of_cycle / 36'524 - day_of_cycle / 146'096) / 365;
    const int64_t day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    const int64_t month_from_march = (5 * day_of_year + 2) / 153;
    const int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    const int64_t year = year_of_cycle + cycle * 400 + (month <= 2);
    date_.clear();
    if (year >= 0 && year <= 9'999) {
      AppendDigits(year, 4, date_);
    } else {
      AppendNumber(year, date_);
    }
    date_ += '-';
    AppendDigits(month, 2, date_);
    date_ += '-';
    AppendDigits(day_of_year - (153 * month_from_march + 2) / 5 + 1, 2, date_);
    day_ = day;
  }

  bool zoned_;
  int digits_ = 0;
  int64_t per_second_ = 1;
  int64_t day_ = std::numeric_limits<int64_t>::min();  // Of `date_`.
  std::string date_;
};

void AppendText(std::string_view value, char delimiter, std::string& text) {
  const std::array<char, 4> special = {delimiter, '"', '\n', '\r'};
  if (!value.empty() && value.find_first_of(special.data(), 0, 4) == std::string_view::npos) {
    text += value;
    return;
  }
  text += '"';
  for (const char letter : value) {
    if (letter == '"') text += '"';
    text += letter;
  }
  text += '"';
}

// The values of one column as text, row after row.
class ColumnText {
 public:
  virtual ~ColumnText() = default;
  // Appends the texts of all rows to `text`, and where each ends to `ends`.
  virtual arrow::Status Append(const arrow::Array& column, std::string& text, std::vector<std::size_t>& ends) = 0;
};

template <class Array, class AppendValue>
class ColumnTextOf final : public ColumnText {
 public:
  ColumnTextOf(AppendValue append, std::string null) : append_(std::move(append)), null_(std::move(null)) {}

  arrow::Status Append(const arrow::Array& column, std::string& text, std::vector<std::size_t>& ends) override {
    const auto& values = checked_cast<const Array&>(column);
    for (int64_t row = 0; row < values.length(); ++row) {
      if (values.IsNull(row)) {
        text += null_;
      } else {
        append_(values.GetView(row), text);
      }
      ends.push_back(text.size());
    }
    return arrow::Status::OK();
  }

 private:
  AppendValue append_;
  std::string null_;
};

// What Arrow has a text for: dates, times, durations, decimals.
class CastText final : public ColumnText {
 public:
  explicit CastText(std::string null) : null_(std::move(null)) {}

  arrow::Status Append(const arrow::Array& column, std::string& text, std::vector<std::size_t>& ends) override {
    ARROW_ASSIGN_OR_RAISE(const auto cast, arrow::compute::Cast(column, arrow::utf8()));
    const auto& values = checked_cast<const arrow::StringArray&>(*cast);
    for (int64_t row = 0; row < values.length(); ++row) {
      text += values.IsNull(row) ? std::string_view(null_) : values.GetView(row);
      ends.push_back(text.size());
    }
    return arrow::Status::OK();
  }

 private:
  std::string null_;
};

template <class Array, class AppendValue>
std::unique_ptr<ColumnText> TextOf(AppendValue append, const std::string& null) {
  return std::make_unique<ColumnTextOf<Array, AppendValue>>(std::move(append), null);
}

arrow::Result<std::unique_ptr<ColumnText>> MakeColumnText(const arrow::Field& field, char delimiter,
                                                          const std::string& null) {
  const auto number = [](auto value, std::string& text) { AppendNumber(value, text); };
  const auto real = [](auto value, std::string& text) { AppendFloat(value, text); };
  const auto string = [delimiter](std::string_view value, std::string& text) { AppendText(value, delimiter, text); };
  switch (field.type()->id()) {
    case arrow::Type::BOOL:
      return TextOf<arrow::BooleanArray>([](bool value, std::string& text) { text += value ? "true" : "false"; }, null);
    case arrow::Type::INT8:
      return TextOf<arrow::Int8Array>(number, null);
    case arrow::Type::INT16:
      return TextOf<arrow::Int16Array>(number, null);
    case arrow::Type::INT32:
      return TextOf<arrow::Int32Array>(number, null);
    case arrow::Type::INT64:
      return TextOf<arrow::Int64Array>(number, null);
    case arrow::Type::UINT8:
      return TextOf<arrow::UInt8Array>(number, null);
    case arrow::Type::UINT16:
      return TextOf<arrow::UInt16Array>(number, null);
    case arrow::Type::UINT32:
      return TextOf<arrow::UInt32Array>(number, null);
    case arrow::Type::UINT64:
      return TextOf<arrow::UInt64Array>(number, null);
    case arrow::Type::FLOAT:
      return TextOf<arrow::FloatArray>(real, null);
    case arrow::Type::DOUBLE:
      return TextOf<arrow::DoubleArray>(real, null);
    case arrow::Type::STRING:
      return TextOf<arrow::StringArray>(string, null);
    case arrow::Type::LARGE_STRING:
      return TextOf<arrow::LargeStringArray>(string, null);
    case arrow::Type::TIMESTAMP: {
      TimestampText timestamp(checked_cast<const arrow::TimestampType&>(*field.type()));
      return TextOf<arrow::TimestampArray>(
          [timestamp](int64_t value, std::string& text) mutable { timestamp.Append(value, text); }, null);
    }
    case arrow::Type::DATE32:
    case arrow::Type::DATE64:
    case arrow::Type::TIME32:
    case arrow::Type::TIME64:
    case arrow::Type::DURATION:
    case arrow::Type::DECIMAL128:
    case arrow::Type::DECIMAL256:
      if (arrow::compute::CanCast(*field.type(), *arrow::utf8())) return std::make_unique<CastText>(null);
      [[fallthrough]];
    default:
      return data::SchemaError("column '" + field.name() + "' has type " + field.type()->ToString() +
                               ", which CSV cannot hold. Leave it out, or cast it before the sink.");
  }
}

class CsvEncoder final : public internal::FileEncoder {
 public:
  CsvEncoder(const CsvSinkOptions& options, std::shared_ptr<arrow::io::OutputStream> stream)
      : options_(options), stream_(std::move(stream)) {}

  arrow::Status Init(const arrow::Schema& schema) {
    const std::string null = schema.num_fields() == 1 ? "\"\"" : "";
    for (const auto& field : schema.fields()) {
      ARROW_ASSIGN_OR_RAISE(columns_.emplace_back(), MakeColumnText(*field, options_.delimiter, null));
      if (!options_.header) continue;
      if (columns_.size() > 1) text_ += options_.delimiter;
      AppendText(field->name(), options_.delimiter, text_);
    }
    if (options_.header) text_ += '\n';
    texts_.resize(columns_.size());
    ends_.resize(columns_.size());
    return arrow::Status::OK();
  }

  arrow::Status Write(const std::shared_ptr<arrow::RecordBatch>& batch) override {
    for (int64_t begin = 0; begin < batch->num_rows(); begin += kChunkRows) {
      const int64_t rows = std::min(kChunkRows, batch->num_rows() - begin);
      for (std::size_t column = 0; column < columns_.size(); ++column) {
        texts_[column].clear();
        ends_[column].assign(1, 0);
        const auto values = batch->column(static_cast<int>(column))->Slice(begin, rows);
        ARROW_RETURN_NOT_OK(columns_[column]->Append(*values, texts_[column], ends_[column]));
      }
      for (std::size_t row = 0; row < static_cast<std::size_t>(rows); ++row) {
        for (std::size_t column = 0; column < columns_.size(); ++column) {
          if (column > 0) text_ += options_.delimiter;
          const std::size_t from = ends_[column][row];
          text_.append(texts_[column], from, ends_[column][row + 1] - from);
        }
        text_ += '\n';
      }
      if (text_.size() >= kWriteBytes) ARROW_RETURN_NOT_OK(Flush());
    }
    return arrow::Status::OK();
  }

  arrow::Status Finish() override { return Flush(); }

 private:
  arrow::Status Flush() {
    ARROW_RETURN_NOT_OK(stream_->Write(text_.data(), static_cast<int64_t>(text_.size())));
    text_.clear();
    return arrow::Status::OK();
  }

  CsvSinkOptions options_;
  std::shared_ptr<arrow::io::OutputStream> stream_;
  std::vector<std::unique_ptr<ColumnText>> columns_;
  std::vector<std::string> texts_;              // Of the chunk, by column,
  std::vector<std::vector<std::size_t>> ends_;  // and where each row's text ends.
  std::string text_;                            // Not yet written.
};

}  // namespace

arrow::Result<std::unique_ptr<Sink>> OpenCsvSink(const std::string& path, std::shared_ptr<arrow::Schema> schema,
                                                 CsvSinkOptions options) {
  if (std::string_view("\"\n\r").find(options.delimiter) != std::string_view::npos || options.delimiter == '\0') {
    return data::OptionError(SinkWhere(kConnector, path) +
                             "delimiter is a quote, a line end or nothing. Use ',', ';' or a tab.");
  }
  const auto make_encoder = [options](const std::shared_ptr<arrow::Schema>& written,
                                      const std::shared_ptr<arrow::io::OutputStream>& stream)
      -> arrow::Result<std::unique_ptr<internal::FileEncoder>> {
    auto encoder = std::make_unique<CsvEncoder>(options, stream);
    ARROW_RETURN_NOT_OK(encoder->Init(*written));
    return encoder;
  };
  return internal::OpenFileSink(kConnector, internal::PlaceOf(path, kSuffix, options), std::move(schema), make_encoder);
}

arrow::Result<std::vector<std::unique_ptr<Sink>>> OpenCsvSinks(const std::string& folder,
                                                               const std::shared_ptr<arrow::Schema>& schema,
                                                               const CsvSinkOptions& options, int partitions) {
  return internal::OpenPartsOf(
      kConnector, folder, kSuffix, options, partitions,
      [&](const std::string& path, CsvSinkOptions one) { return OpenCsvSink(path, schema, std::move(one)); });
}

}  // namespace sabot::connectors
