#include "sabot/backtest/result_files.h"

#include <utility>
#include <vector>

#include "sabot/backtest/result_files_internal.h"
#include "sabot/ticks/tick_file.h"

namespace sabot::backtest {
namespace {

internal::ResultPaths PathsOf(const env::StoragePath& folder, std::string_view security) {
  const std::string name = ticks::TickFileName(std::string(security));
  const std::string stem = folder.path + "/" + name.substr(0, name.rfind('.'));
  return {.trades = stem + "_trades_timeseries", .equity = stem + "_equity"};
}

arrow::Status Remove(const env::StoragePath& folder, const internal::ResultPaths& paths, const char* suffix) {
  ARROW_RETURN_NOT_OK(folder.storage->Remove(paths.trades + suffix));
  return folder.storage->Remove(paths.equity + suffix);
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
  const auto paths = PathsOf(where, security);
  std::vector<std::unique_ptr<ResultFiles>> files;
  ARROW_ASSIGN_OR_RAISE(files.emplace_back(), internal::CreateCsvFiles(where, paths));
  if (parquet) {
    ARROW_ASSIGN_OR_RAISE(files.emplace_back(), internal::CreateParquetFiles(where, paths));
  }
  return std::make_unique<AllFiles>(std::move(files));
}

arrow::Status RemoveResultFiles(const std::string& folder, std::string_view security) {
  ARROW_ASSIGN_OR_RAISE(const auto where, env::StorageOf(folder));
  const auto paths = PathsOf(where, security);
  ARROW_RETURN_NOT_OK(Remove(where, paths, internal::kCsv));
  return Remove(where, paths, internal::kParquet);
}

}  // namespace sabot::backtest
