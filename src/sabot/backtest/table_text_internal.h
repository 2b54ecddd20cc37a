// Arrow tables as the text of CSV files.
#pragma once

#include <arrow/table.h>

#include <string>

namespace sabot::backtest::internal {

// Columns of int64, float64, bool and utf8, written as the files of a run are.
std::string TableText(const arrow::Table& table);

}  // namespace sabot::backtest::internal
