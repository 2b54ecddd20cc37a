// A kind of result files each.
#pragma once

#include <memory>
#include <string>

#include "sabot/backtest/result_files.h"
#include "sabot/env/storage.h"

namespace sabot::backtest::internal {

// The paths of the two files, without their suffixes.
struct ResultPaths {
  std::string trades;
  std::string equity;
};

inline constexpr char kCsv[] = ".csv";
inline constexpr char kParquet[] = ".parquet";

arrow::Result<std::unique_ptr<ResultFiles>> CreateCsvFiles(const env::StoragePath& folder, const ResultPaths& paths);
arrow::Result<std::unique_ptr<ResultFiles>> CreateParquetFiles(const env::StoragePath& folder,
                                                               const ResultPaths& paths);

}  // namespace sabot::backtest::internal
