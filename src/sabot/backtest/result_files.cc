#include "sabot/backtest/result_files.h"

#include <utility>

#include "sabot/backtest/result_files_internal.h"
#include "sabot/ticks/tick_file.h"

namespace sabot::backtest {
namespace {

// Below `folder`, which is empty or ends in a slash.
internal::ResultPaths PathsOf(const std::string& folder, std::string_view security) {
  const std::string name = ticks::TickFileName(std::string(security));
  const std::string stem = folder + name.substr(0, name.rfind('.'));
  return {.trades = stem + "_trades_timeseries", .equity = stem + "_equity"};
}

// Files of several kinds with the same rows.
class AllFiles final : public ResultFiles {
 public:
  explicit AllFiles(std::vector<std::unique_ptr<ResultFiles>> files) : files_(std::move(files)) {}

  arrow::Status Write(std::span<const TradeRow> trades, std::span<const EquityRow> equity) override {
    for (const auto& files : files_) ARROW_RETURN_NOT_OK(files->Write(trades, equity));
    return arrow::Status::OK();
  }

  arrow::Status Commit() override {
    for (const auto& files : files_) ARROW_RETURN_NOT_OK(files->Commit());
    return arrow::Status::OK();
  }

 private:
  std::vector<std::unique_ptr<ResultFiles>> files_;
};

}  // namespace

std::string_view NameOf(Side side) { return side == Side::kBuy ? "buy" : "sell"; }

std::string_view NameOf(FillKind kind) {
  switch (kind) {
    case FillKind::kFill:
      return "fill";
    case FillKind::kFlatten:
      return "flatten";
    case FillKind::kStop:
      return "stop";
  }
  return "";
}

arrow::Result<std::unique_ptr<ResultFiles>> CreateResultFiles(const std::string& folder, std::string_view security,
                                                              bool parquet) {
  ARROW_ASSIGN_OR_RAISE(const auto where, env::StorageOf(folder));
  const auto paths = PathsOf(where.path + "/", security);
  std::vector<std::unique_ptr<ResultFiles>> files;
  ARROW_ASSIGN_OR_RAISE(files.emplace_back(), internal::CreateCsvFiles(where, paths));
  if (parquet) {
    ARROW_ASSIGN_OR_RAISE(files.emplace_back(), internal::CreateParquetFiles(where, paths));
  }
  return std::make_unique<AllFiles>(std::move(files));
}

std::vector<std::string> ResultFileNames(std::string_view security, bool parquet) {
  const auto names = PathsOf("", security);
  std::vector<std::string> files = {names.trades + internal::kCsv, names.equity + internal::kCsv};
  if (parquet) files.insert(files.end(), {names.trades + internal::kParquet, names.equity + internal::kParquet});
  return files;
}

arrow::Status RemoveResultFiles(const std::string& folder, std::string_view security, bool parquet) {
  ARROW_ASSIGN_OR_RAISE(const auto where, env::StorageOf(folder));
  for (const std::string& name : ResultFileNames(security, parquet)) {
    ARROW_RETURN_NOT_OK(where.storage->Remove(where.path + "/" + name));
  }
  return arrow::Status::OK();
}

}  // namespace sabot::backtest
