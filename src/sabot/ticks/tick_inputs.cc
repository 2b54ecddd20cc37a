// Opens the CSV and Parquet files that ticks are read from.
#include <arrow/array.h>
#include <arrow/compute/cast.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <string_view>
#include <utility>

#include "sabot/connectors/csv_source.h"
#include "sabot/connectors/parquet_source.h"
#include "sabot/data/errors.h"
#include "sabot/env/digest.h"
#include "sabot/env/interrupt.h"
#include "sabot/ticks/tick_inputs_internal.h"

namespace sabot::ticks::internal {
namespace {

using connectors::CsvSourceOptions;
using connectors::OpenInputStream;
using connectors::ReadCsvFiles;
using connectors::ReadParquetFiles;
using connectors::Source;

constexpr int64_t kBatchRows = 16'384;
constexpr int64_t kDigestBytes = int64_t{1} << 20;
constexpr const char* kLineColumn = "line of the file";

// Rows that a CSV file's reader rejects, but for those of nothing but separators: spreadsheets write such for blank
// rows, also beside rows of another width.
class CsvRejects final : public data::RejectLog {
 public:
  explicit CsvRejects(Conversion& conversion) : conversion_(conversion) {}
  arrow::Status Add(const data::Reject& reject) override {
    if (reject.row.find_first_not_of(",;\t \r\n\"") == std::string::npos) return arrow::Status::OK();
    ++count_;
    return conversion_.Reject(reject.where, reject.reason, reject.row);
  }
  int64_t count() const override { return count_; }

 private:
  Conversion& conversion_;
  std::atomic<int64_t> count_ = 0;
};

}  // namespace

std::string NameOfInput(const TickInput& input) { return std::filesystem::path(input.file.path).filename().string(); }

std::string StemOfInput(const TickInput& input) { return std::filesystem::path(input.file.path).stem().string(); }

double WeightOfInput(const TickInput& input) { return static_cast<double>(std::max<int64_t>(input.file.bytes, 1)); }

std::string PathOfInput(const connectors::InputFile& file) {
  if (!file.endpoint.empty()) return file.name;
  return std::filesystem::absolute(file.path).lexically_normal().string();
}

arrow::Result<std::shared_ptr<Source>> OpenTickInput(const TickInput& input, std::shared_ptr<data::RejectLog> rejects) {
  if (!input.is_csv) return ReadParquetFiles({input.file}, {.batch_rows = kBatchRows});
  CsvSourceOptions options;
  options.batch_rows = kBatchRows;
  options.rejects = std::make_shared<data::CountingRejects>();
  if (input.file.name.ends_with(".tsv")) options.delimiter = '\t';
  ARROW_ASSIGN_OR_RAISE(const auto first, ReadCsvFiles({input.file}, options));
  ARROW_ASSIGN_OR_RAISE(const auto columns, FindTickColumns(first->schema()->field_names()));
  options.types = CsvTypesOf(columns, *first->schema());
  if (rejects != nullptr) {
    options.rejects = std::move(rejects);
    options.line_column = kLineColumn;
  }
  return ReadCsvFiles({input.file}, options);
}

arrow::Status ReadTickInput(const TickInput& input, TickBatches::Options how, Conversion& conversion,
                            const TickInputTaker& taker) {
  how.day_first = conversion.options().day_first;
  const auto rejects = std::make_shared<CsvRejects>(conversion);
  ARROW_ASSIGN_OR_RAISE(const auto source, OpenTickInput(input, rejects));
  auto rows = TickBatches::Make(*source->schema(), input.rows, std::move(how));
  if (!rows.ok()) return rows.status().WithMessage(NameOfInput(input), ": ", rows.status().message());
  int64_t rows_read = 0;
  std::shared_ptr<arrow::RecordBatch> batch;
  std::shared_ptr<arrow::Array> lines;  // Of a CSV file.
  TickBatches::Taker each;
  each.tick = taker.tick;
  each.reject = [&](std::string_view symbol, int64_t row, const std::string& reason) -> arrow::Status {
    taker.rejected(symbol);
    const auto place = lines == nullptr
                           ? "row " + std::to_string(rows_read + row + 1)
                           : "line " + std::to_string(static_cast<const arrow::Int64Array&>(*lines).Value(row));
    return conversion.Reject("'" + NameOfInput(input) + "', " + place, reason, TextOf(*batch, row));
  };
  for (;;) {
    ARROW_RETURN_NOT_OK(env::InterruptScope::Check());
    ARROW_RETURN_NOT_OK(source->ReadNext(&batch));
    if (batch == nullptr) break;
    if (input.is_csv) {
      lines = batch->column(batch->num_columns() - 1);
      ARROW_ASSIGN_OR_RAISE(batch, batch->RemoveColumn(batch->num_columns() - 1));
    }
    ARROW_RETURN_NOT_OK(rows->Read(*batch, each));
    rows_read += batch->num_rows();
    conversion.CountRows(batch->num_rows());
    ARROW_RETURN_NOT_OK(taker.after_batch(source->done().value_or(0)));
  }
  for (int64_t row = 0; row < rejects->count(); ++row) taker.rejected("");
  return arrow::Status::OK();
}

arrow::Result<std::string> DigestOfInputs(const std::vector<TickInput>& inputs, const std::string& options) {
  ARROW_ASSIGN_OR_RAISE(env::Digest digest, env::Digest::Make());
  ARROW_RETURN_NOT_OK(digest.Add(options.data(), static_cast<int64_t>(options.size())));
  for (const TickInput& input : inputs) {
    ARROW_ASSIGN_OR_RAISE(const auto stream, OpenInputStream(input.file));
    int64_t bytes = 0;
    for (;;) {
      ARROW_RETURN_NOT_OK(env::InterruptScope::Check());
      ARROW_ASSIGN_OR_RAISE(const auto piece, stream->Read(kDigestBytes));
      if (piece->size() == 0) break;
      bytes += piece->size();
      ARROW_RETURN_NOT_OK(digest.Add(piece->data(), piece->size()));
    }
    const std::string end = ";" + NameOfInput(input) + ";" + std::to_string(bytes) + ";";
    ARROW_RETURN_NOT_OK(digest.Add(end.data(), static_cast<int64_t>(end.size())));
  }
  return digest.Finish();
}

arrow::Result<std::set<std::string>> SymbolsOfLocalTime(const std::vector<TickInput>& inputs) {
  std::set<std::string> symbols;
  for (const TickInput& input : inputs) {
    ARROW_ASSIGN_OR_RAISE(const auto source, OpenTickInput(input, nullptr));
    ARROW_ASSIGN_OR_RAISE(const auto columns, FindTickColumns(source->schema()->field_names()));
    if (columns.local_time == kNoColumn || columns.time == kNoColumn) continue;
    for (;;) {
      ARROW_RETURN_NOT_OK(env::InterruptScope::Check());
      ARROW_ASSIGN_OR_RAISE(const auto batch, source->Next());
      if (batch == nullptr) break;
      const auto& times = *batch->column(columns.time);
      if (times.null_count() == 0) continue;
      ARROW_ASSIGN_OR_RAISE(const auto cast, arrow::compute::Cast(*batch->column(columns.symbol), arrow::utf8()));
      const auto& names = static_cast<const arrow::StringArray&>(*cast);
      std::string_view last;  // Rows of one symbol often stand together.
      for (int64_t row = 0; row < batch->num_rows(); ++row) {
        if (times.IsValid(row) || names.IsNull(row) || names.GetView(row) == last) continue;
        last = names.GetView(row);
        symbols.emplace(last);
      }
    }
  }
  return symbols;
}

}  // namespace sabot::ticks::internal
