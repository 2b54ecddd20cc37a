#include "sabot/backtest/result_folder.h"

#include <arrow/buffer.h>
#include <arrow/util/io_util.h>

#include <cerrno>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include "sabot/backtest/activity_file.h"
#include "sabot/backtest/csv_line_internal.h"
#include "sabot/backtest/result_files.h"
#include "sabot/connectors/parquet_sink.h"
#include "sabot/data/errors.h"
#include "sabot/env/storage.h"

namespace sabot::backtest {
namespace {

constexpr std::string_view kSummaryBegins = "security,trades,realized_pnl,";
constexpr std::string_view kListBegins = "security,parquet\n";

// Securities, and whether they have files of Parquet.
using Securities = std::map<std::string, bool>;

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

// Null, where there is no such file.
arrow::Result<std::shared_ptr<arrow::io::RandomAccessFile>> Open(const env::StoragePath& folder,
                                                                 const std::string& name) {
  auto file = folder.storage->OpenInput(folder.path + "/" + name);
  if (!file.ok() && arrow::internal::ErrnoFromStatus(file.status()) == ENOENT) return nullptr;
  return file;
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

// The lines behind the first one; none, unless the file is there and begins as ours do.
arrow::Result<std::vector<std::string>> LinesOf(const env::StoragePath& folder, const std::string& name,
                                                std::string_view begins) {
  ARROW_ASSIGN_OR_RAISE(const auto file, Open(folder, name));
  if (file == nullptr) return std::vector<std::string>();
  ARROW_ASSIGN_OR_RAISE(const int64_t bytes, file->GetSize());
  ARROW_ASSIGN_OR_RAISE(const auto text, file->Read(bytes));
  std::string_view left(*text);
  std::vector<std::string> lines;
  if (!left.starts_with(begins)) return lines;
  for (left.remove_prefix(left.find('\n') + 1); !left.empty();) {
    const std::size_t end = left.find('\n');
    lines.emplace_back(left.substr(0, end));
    left.remove_prefix(end == std::string_view::npos ? left.size() : end + 1);
  }
  return lines;
}

// Those of which an earlier run, or several, left files.
arrow::Result<Securities> EarlierIn(const env::StoragePath& folder) {
  Securities earlier;
  ARROW_ASSIGN_OR_RAISE(const auto table, Open(folder, kSummaryParquetName));
  ARROW_ASSIGN_OR_RAISE(const auto summary, LinesOf(folder, kSummaryFileName, kSummaryBegins));
  for (const std::string& line : summary) earlier[FirstValue(line)] = table != nullptr;
  ARROW_ASSIGN_OR_RAISE(const auto list, LinesOf(folder, kUnfinishedFileName, kListBegins));
  for (const std::string& line : list) earlier[FirstValue(line)] |= line.ends_with(",true");
  return earlier;
}

arrow::Status WriteList(const env::StoragePath& folder, const Securities& securities) {
  internal::CsvLines list;
  list.Text("security").Text("parquet").End();
  for (const auto& [security, parquet] : securities) list.Text(security).Text(parquet ? "true" : "false").End();
  return WriteText(folder, kUnfinishedFileName, list.text());
}

bool HasParquet(const Securities& securities) {
  return std::ranges::any_of(securities, [](const auto& each) { return each.second; });
}

// Of a run as a whole.
std::vector<std::string> RunFileNames(bool parquet) {
  std::vector<std::string> names{kSummaryFileName, kActivityFileName};
  if (parquet) names.emplace_back(kSummaryParquetName);
  return names;
}

// The name of the file that one begun under this name was to be: <name>.<process>-<number>.partial. Empty: it is whole.
std::string_view UnfinishedName(std::string_view name) {
  constexpr std::string_view kEnd = ".partial";
  if (!name.ends_with(kEnd)) return {};
  name.remove_suffix(kEnd.size());
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return {};
  const bool ours = name.find_first_not_of("0123456789-", dot + 1) == std::string_view::npos;
  return ours && name.find('-', dot) != std::string_view::npos ? name.substr(0, dot) : std::string_view();
}

// Removes what a run that was killed had begun of its files.
arrow::Status RemoveUnfinished(const env::StoragePath& folder, const Securities& securities) {
  const auto of_run = RunFileNames(/*parquet=*/true);
  std::set<std::string, std::less<>> names(of_run.begin(), of_run.end());
  names.insert(kUnfinishedFileName);
  for (const auto& [security, parquet] : securities) {
    for (std::string& name : ResultFileNames(security, parquet)) names.insert(std::move(name));
  }
  ARROW_ASSIGN_OR_RAISE(const auto files, folder.storage->List(folder.path));
  for (const std::string& file : files) {
    if (names.contains(UnfinishedName(file))) ARROW_RETURN_NOT_OK(folder.storage->Remove(folder.path + "/" + file));
  }
  return arrow::Status::OK();
}

// Whether a file lies directly in a folder, however either is written.
arrow::Result<bool> LiesIn(const env::StoragePath& folder, const std::string& file) {
  ARROW_ASSIGN_OR_RAISE(const auto where, env::StorageOf(file));
  const std::filesystem::path parent = std::filesystem::path(where.path).parent_path();
  std::error_code missing;
  return parent == folder.path || std::filesystem::equivalent(parent.empty() ? "." : parent, folder.path, missing);
}

// Error: what a run takes away or writes is what it reads.
arrow::Status CheckTicks(const env::StoragePath& folder, const std::string& name, const Securities& earlier,
                         const Securities& securities, std::span<const std::string> ticks) {
  std::map<std::string, std::string> hit;  // Whose a file is, by its name.
  for (const auto* each : {&earlier, &securities}) {
    for (const auto& file : RunFileNames(HasParquet(*each))) hit[file] = "a run";
    for (const auto& [security, parquet] : *each) {
      for (const auto& file : ResultFileNames(security, parquet)) hit[file] = "'" + security + "'";
    }
  }
  hit[kUnfinishedFileName] = "a run";
  for (const std::string& path : ticks) {
    const auto found = hit.find(std::filesystem::path(path).filename().string());
    if (found == hit.end()) continue;
    ARROW_ASSIGN_OR_RAISE(const bool lies_there, LiesIn(folder, path));
    if (!lies_there) continue;
    return data::OptionError("backtest: '" + path + "' holds ticks that are to be read, and '" + found->first +
                             "' is what results of " + found->second + " are called in the output folder '" + name +
                             "'. Name another folder for the output.");
  }
  return arrow::Status::OK();
}

}  // namespace

// Killed anywhere, the next call finds in the list what lies there, and no summary lies beside other files than its
// own.
arrow::Status PrepareFolder(const std::string& folder, std::span<const std::string> securities, bool parquet,
                            std::span<const std::string> ticks) {
  ARROW_ASSIGN_OR_RAISE(const auto where, env::StorageOf(folder));
  Securities own;
  for (const std::string& security : securities) own[security] = parquet;
  ARROW_RETURN_NOT_OK(where.storage->CreateFolder(where.path));
  ARROW_ASSIGN_OR_RAISE(const Securities earlier, EarlierIn(where));
  ARROW_RETURN_NOT_OK(CheckTicks(where, folder, earlier, own, ticks));
  if (!earlier.empty()) ARROW_RETURN_NOT_OK(WriteList(where, earlier));
  for (const std::string& name : RunFileNames(parquet || HasParquet(earlier))) {
    ARROW_RETURN_NOT_OK(where.storage->Remove(where.path + "/" + name));
  }
  for (const auto& [security, had_parquet] : earlier) {
    ARROW_RETURN_NOT_OK(RemoveResultFiles(folder, security, had_parquet));
  }
  ARROW_RETURN_NOT_OK(RemoveUnfinished(where, earlier));
  return WriteList(where, own);
}

arrow::Status WriteSummary(const std::string& folder, std::span<const SummaryRow> rows, bool parquet) {
  ARROW_ASSIGN_OR_RAISE(const auto where, env::StorageOf(folder));
  ARROW_RETURN_NOT_OK(WriteText(where, kActivityFileName, ActivityText(rows)));
  if (parquet) ARROW_RETURN_NOT_OK(WriteParquet(where, kSummaryParquetName, rows));
  ARROW_RETURN_NOT_OK(WriteText(where, kSummaryFileName, SummaryText(rows)));
  return where.storage->Remove(where.path + "/" + kUnfinishedFileName);
}

}  // namespace sabot::backtest
