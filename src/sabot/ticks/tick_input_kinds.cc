// What a file is that ticks are to be read from.
#include <arrow/type.h>

#include <filesystem>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/ticks/tick_inputs_internal.h"
#include "sabot/ticks/tick_values.h"

namespace sabot::ticks::internal {

InputKind KindOfInput(const connectors::InputFile& file) {
  const std::string suffix = LowerCase(std::filesystem::path(file.path).extension().string());
  if (suffix == ".xlsx" || suffix == ".xlsm") return InputKind::kWorkbook;
  if (suffix == ".csv" || suffix == ".tsv") return InputKind::kCsv;
  return suffix == ".parquet" || suffix == ".pq" ? InputKind::kParquet : InputKind::kOther;
}

arrow::Result<TickInput> LookAtTickInput(const connectors::InputFile& file) {
  if (file.is_pipe) {
    return data::OptionError("'" + file.name + "' is a pipe, and ticks are read more than once. Write them to a file.");
  }
  TickInput input{.file = file, .is_csv = KindOfInput(file) == InputKind::kCsv};
  ARROW_ASSIGN_OR_RAISE(const auto source, OpenTickInput(input, nullptr));
  const auto names = source->schema()->field_names();
  const auto columns = FindTickColumns(names);
  if (!columns.ok()) return columns.status().WithMessage("'", file.name, "': ", columns.status().message());
  input.has_symbol = columns->symbol != kNoColumn;
  input.has_side = columns->side != kNoColumn;
  if (columns->are_ticks()) return input;
  if (!columns->are_trades() && !columns->are_quotes()) {
    return data::SchemaError("'" + file.name + "': " +
                             (columns->is_depth ? "it holds levels of an order book, and ticks are expected"
                                                : ExplainMissing(*columns, names)) +
                             ".");
  }
  if (!input.has_symbol) {
    return data::SchemaError("'" + file.name +
                             "' holds trades or quotes, but no column `symbol` says of what. Add one.");
  }
  input.rows = columns->are_trades() ? TickRows::kTrades : TickRows::kQuotes;
  return input;
}

}  // namespace sabot::ticks::internal
