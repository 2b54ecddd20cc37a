#include "sabot/backtest/result_folder.h"

#include <arrow/buffer.h>
#include <arrow/util/io_util.h>

#include <cerrno>
#include <memory>
#include <set>
#include <string_view>

#include "sabot/backtest/activity_file.h"
#include "sabot/backtest/csv_line_internal.h"
#include "sabot/backtest/result_files.h"
#include "sabot/connectors/parquet_sink.h"
#include "sabot/env/storage.h"

namespace sabot::backtest {
namespace {

constexpr std::string_view kSummaryBegins = "security,trades,realized_pnl,";
constexpr std::string_view kListBegins = "security\n";

arrow::Status WriteText(const env::StoragePath& folder, const std::string& name, const std::string& text) {
  ARROW_ASSIGN_OR_RAISE(const auto file, folder.storage->Create(folder.path + "/" + name));
  ARROW_RETURN_NOT_OK(file->stream()->Write(text.data(), static_cast<int64_t>(text.size())));
  return file->Commit();
}

arrow::Status WriteParquet(const env::StoragePath& folder, const std::string& name, std::span<const SummaryRow> rows) {
  ARROW_ASSIGN_OR_RAISE(const auto table, SummaryBatch(rows));
  ARROW_ASSIGN_OR_RAISE(const auto sink, connectors::OpenParquetSink(folder.path + "/" + name, table->schema(),
                                                                     {.storage = folder.storage}));
  ARROW_RETURN_NOT_OK(sink->Write(table));
  return sink->Close();
}

// Empty, where there is no such file.
arrow::Result<std::string> TextOf(const env::StoragePath& folder, const std::string& name) {
  const auto file = folder.storage->OpenInput(folder.path + "/" + name);
  if (!file.ok()) {
    const bool missing = arrow::internal::ErrnoFromStatus(file.status()) == ENOENT;
    return missing ? arrow::Result<std::string>("") : file.status();
  }
  ARROW_ASSIGN_OR_RAISE(const int64_t bytes, (*file)->GetSize());
  ARROW_ASSIGN_OR_RAISE(const auto text, (*file)->Read(bytes));
  return text->ToString();
}

// The first value of a line that CsvLines wrote.
std::string FirstValue(std::string_view line) {
  if (!line.starts_with('"')) return std::string(line.substr(0, line.find(',')));
  std::string value;
  for (std::size_t at = 1; at < line.size(); ++at) {
    if (line[at] == '"' && (at + 1 == line.size() || line[++at] != '"')) break;
    value += line[at];
  }
  return value;
}

// Adds those that a file names, if it begins as ours do.
arrow::Status AddSecurities(const env::StoragePath& folder, const std::string& name, std::string_view begins,
                            std::set<std::string>& securities) {
  ARROW_ASSIGN_OR_RAISE(const std::string text, TextOf(folder, name));
  if (!text.starts_with(begins)) return arrow::Status::OK();
  std::string_view left(text);
  for (left.remove_prefix(left.find('\n') + 1); !left.empty();) {
    const std::size_t end = left.find('\n');
    securities.insert(FirstValue(left.substr(0, end)));
    left.remove_prefix(end == std::string_view::npos ? left.size() : end + 1);
  }
  return arrow::Status::OK();
}

template <class Securities>
arrow::Status WriteList(const env::StoragePath& folder, const Securities& securities) {
  internal::CsvLines list;
  list.Text("security").End();
  for (const std::string& security : securities) list.Text(security).End();
  return WriteText(folder, kUnfinishedFileName, list.text());
}

}  // namespace

// Killed anywhere, the next call finds in the list what lies there, and no summary lies beside other files than its
// own.
arrow::Status PrepareFolder(const std::string& folder, std::span<const std::string> securities) {
  ARROW_ASSIGN_OR_RAISE(const auto where, env::StorageOf(folder));
  ARROW_RETURN_NOT_OK(where.storage->CreateFolder(where.path));
  std::set<std::string> earlier;
  ARROW_RETURN_NOT_OK(AddSecurities(where, kSummaryFileName, kSummaryBegins, earlier));
  ARROW_RETURN_NOT_OK(AddSecurities(where, kUnfinishedFileName, kListBegins, earlier));
  if (!earlier.empty()) ARROW_RETURN_NOT_OK(WriteList(where, earlier));
  for (const char* name : {kSummaryFileName, kSummaryParquetName, kActivityFileName}) {
    ARROW_RETURN_NOT_OK(where.storage->Remove(where.path + "/" + name));
  }
  for (const std::string& security : earlier) ARROW_RETURN_NOT_OK(RemoveResultFiles(folder, security));
  return WriteList(where, securities);
}

arrow::Status WriteSummary(const std::string& folder, std::span<const SummaryRow> rows, bool parquet) {
  ARROW_ASSIGN_OR_RAISE(const auto where, env::StorageOf(folder));
  ARROW_RETURN_NOT_OK(WriteText(where, kActivityFileName, ActivityText(rows)));
  if (parquet) ARROW_RETURN_NOT_OK(WriteParquet(where, kSummaryParquetName, rows));
  ARROW_RETURN_NOT_OK(WriteText(where, kSummaryFileName, SummaryText(rows)));
  return where.storage->Remove(where.path + "/" + kUnfinishedFileName);
}

}  // namespace sabot::backtest
