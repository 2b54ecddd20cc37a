// The two files of a security as Parquet, with the columns of result_tables.h.
#include <utility>

#include "sabot/backtest/result_files_internal.h"
#include "sabot/backtest/result_tables.h"
#include "sabot/connectors/parquet_sink.h"

namespace sabot::backtest::internal {
namespace {

using connectors::Sink;

arrow::Result<std::unique_ptr<Sink>> Open(const env::StoragePath& folder, const std::string& path,
                                          std::shared_ptr<arrow::Schema> schema) {
  return connectors::OpenParquetSink(path + kParquet, std::move(schema), {.storage = folder.storage});
}

class ParquetFiles final : public ResultFiles {
 public:
  ParquetFiles(std::unique_ptr<Sink> trades, std::unique_ptr<Sink> equity)
      : trades_(std::move(trades)), equity_(std::move(equity)) {}

  arrow::Status Write(std::span<const TradeRow> trades, std::span<const EquityRow> equity) override {
    if (!trades.empty()) {
      ARROW_ASSIGN_OR_RAISE(const auto rows, TradesBatch(trades));
      ARROW_RETURN_NOT_OK(trades_->Write(rows));
    }
    if (equity.empty()) return arrow::Status::OK();
    ARROW_ASSIGN_OR_RAISE(const auto rows, EquityBatch(equity));
    return equity_->Write(rows);
  }

  arrow::Status Commit() override {
    ARROW_RETURN_NOT_OK(trades_->Finish());
    ARROW_RETURN_NOT_OK(equity_->Finish());
    ARROW_RETURN_NOT_OK(trades_->Close());
    return equity_->Close();
  }

 private:
  std::unique_ptr<Sink> trades_;
  std::unique_ptr<Sink> equity_;
};

}  // namespace

arrow::Result<std::unique_ptr<ResultFiles>> CreateParquetFiles(const env::StoragePath& folder,
                                                               const ResultPaths& paths) {
  ARROW_ASSIGN_OR_RAISE(auto trades, Open(folder, paths.trades, TradesSchema()));
  ARROW_ASSIGN_OR_RAISE(auto equity, Open(folder, paths.equity, EquitySchema()));
  return std::make_unique<ParquetFiles>(std::move(trades), std::move(equity));
}

}  // namespace sabot::backtest::internal
