// Opens the CSV and Parquet files that ticks are read from.
#include <arrow/array.h>
#include <arrow/compute/cast.h>
#include <arrow/type.h>

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

}  // namespace

std::string NameOfInput(const TickInput& input) { return std::filesystem::path(input.file.path).filename().string(); }

arrow::Result<std::shared_ptr<Source>> OpenTickInput(const TickInput& input, std::shared_ptr<data::RejectLog> rejects) {
  if (!input.is_csv) return ReadParquetFiles({input.file}, {.batch_rows = kBatchRows});
  CsvSourceOptions options;
  options.batch_rows = kBatchRows;
  options.rejects = std::make_shared<data::CountingRejects>();
  if (input.file.name.ends_with(".tsv")) options.delimiter = '\t';
  ARROW_ASSIGN_OR_RAISE(const auto first, ReadCsvFiles({input.file}, options));
  ARROW_ASSIGN_OR_RAISE(const auto columns, FindTickColumns(first->schema()->field_names()));
  options.types = CsvTypesOf(columns, *first->schema());
  if (rejects != nullptr) options.rejects = std::move(rejects);
  return ReadCsvFiles({input.file}, options);
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
