// The folder of a run's files, from its beginning to its end: what lies there of Sabot is of one run.
#pragma once

#include <arrow/status.h>

#include <span>
#include <string>

#include "sabot/backtest/summary_file.h"

namespace sabot::backtest {

inline constexpr char kSummaryFileName[] = "backtest_summary.csv";
inline constexpr char kSummaryParquetName[] = "backtest_summary.parquet";
// The securities of a run that writes there, or did not end, and whether it writes Parquet.
inline constexpr char kUnfinishedFileName[] = "backtest_unfinished.csv";

// Before a run of these securities writes into a folder: makes it, and takes away what an earlier run left there: its
// summary and activity, and the files (see result_files.h) of the securities that the summary names, or the list of a
// run that did not end; those of Parquet, where that run wrote them;
// and what it had begun of them (<name>.<process>-<number>.partial) when it was killed. All other files stay. Error
// (kOption), with all files as they were: one of `ticks`, the files that the run reads, would be taken away, or written
// over.
arrow::Status PrepareFolder(const std::string& folder, std::span<const std::string> securities, bool parquet = false,
                            std::span<const std::string> ticks = {});

// When all other files are there: the activity (activity_file.h), with `parquet` the summary's table, and the summary
// in place of the list: where it lies, the files of the securities that it names are there, but for those that failed.
arrow::Status WriteSummary(const std::string& folder, std::span<const SummaryRow> rows, bool parquet = false);

}  // namespace sabot::backtest
