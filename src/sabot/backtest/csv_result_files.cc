// The two files of a security as CSV: a line a fill, a line a sample of the equity.
#include <cstddef>
#include <utility>

#include "sabot/backtest/csv_line_internal.h"
#include "sabot/backtest/result_files_internal.h"

namespace sabot::backtest::internal {
namespace {

constexpr std::size_t kBufferBytes = 64 << 10;
constexpr std::string_view kTradesHeader = "timestamp,side,fill_price,fill_qty,realized_pnl,position,pnl,kind\n";
constexpr std::string_view kEquityHeader = "timestamp,position,mid,pnl,equity\n";

// A file that lines are collected for.
struct LineFile {
  std::unique_ptr<env::PendingFile> file;
  CsvLines lines;

  static arrow::Result<LineFile> Create(const env::StoragePath& folder, const std::string& path,
                                        std::string_view header) {
    ARROW_ASSIGN_OR_RAISE(auto file, folder.storage->Create(path + kCsv));
    ARROW_RETURN_NOT_OK(file->stream()->Write(header.data(), static_cast<int64_t>(header.size())));
    return LineFile{.file = std::move(file), .lines = {}};
  }
  arrow::Status Flush(std::size_t least) {
    if (lines.text().size() < least) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(file->stream()->Write(lines.text().data(), static_cast<int64_t>(lines.text().size())));
    lines.Clear();
    return arrow::Status::OK();
  }
  arrow::Status Commit() {
    ARROW_RETURN_NOT_OK(Flush(1));
    return file->Commit();
  }
};

class CsvFiles final : public ResultFiles {
 public:
  CsvFiles(LineFile trades, LineFile equity) : trades_(std::move(trades)), equity_(std::move(equity)) {}

  arrow::Status Write(std::span<const TradeRow> trades, std::span<const EquityRow> equity) override {
    for (const auto& row : trades) {
      trades_.lines.Time(row.timestamp).Text(NameOf(row.side)).Number(row.price).Number(row.quantity);
      trades_.lines.Number(row.realized_pnl).Number(row.position).Number(row.pnl).Text(NameOf(row.kind)).End();
    }
    for (const auto& row : equity) {
      equity_.lines.Time(row.timestamp).Number(row.position).Number(row.mid).Number(row.pnl).Number(row.equity).End();
    }
    ARROW_RETURN_NOT_OK(trades_.Flush(kBufferBytes));
    return equity_.Flush(kBufferBytes);
  }

  arrow::Status Commit() override {
    ARROW_RETURN_NOT_OK(trades_.Commit());
    return equity_.Commit();
  }

 private:
  LineFile trades_;
  LineFile equity_;
};

}  // namespace

arrow::Result<std::unique_ptr<ResultFiles>> CreateCsvFiles(const env::StoragePath& folder, const ResultPaths& paths) {
  ARROW_ASSIGN_OR_RAISE(auto trades, LineFile::Create(folder, paths.trades, kTradesHeader));
  ARROW_ASSIGN_OR_RAISE(auto equity, LineFile::Create(folder, paths.equity, kEquityHeader));
  return std::make_unique<CsvFiles>(std::move(trades), std::move(equity));
}

}  // namespace sabot::backtest::internal
