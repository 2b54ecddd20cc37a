// Workbooks, CSV and Parquet files, and trades with quotes into tick files, one a security.
#pragma once

#include <arrow/result.h>
#include <arrow/status.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sabot/data/reject_log.h"
#include "sabot/env/interrupt.h"
#include "sabot/ticks/tick_file.h"

namespace sabot::ticks {

struct ConvertProgress {
  double done = 0;  // Of 1.
  int64_t rows = 0;  // Read so far, rejected ones among them.
  int64_t rejected = 0;
};

struct ConvertTicksOptions {
  int64_t header_row = 3;  // Of a sheet, from 1.
  bool day_first = true;   // In dates that are text and have their year last.
  int max_workers = 0;     // Sheets and files at once; 0: one a core.
  std::optional<int> max_sheets = std::nullopt;  // Of a workbook, the first ones.
  // The session preset that the files name. None: adx for a workbook, none for the rest.
  std::optional<std::string> market = std::nullopt;
  bool overwrite = false;  // Whether ticks of other inputs lose their file; else they are refused.
  std::shared_ptr<data::RejectLog> rejects = nullptr;  // None: they are counted.
  std::shared_ptr<env::Interrupt> interrupt = nullptr;
  // Called by the calling thread, some ten times a second. An error stops it all.
  std::function<arrow::Status(const ConvertProgress&)> progress = nullptr;
};

// What became of one security, or of a sheet or a file that could not be converted.
struct ConvertedTicks {
  std::string security = {};
  std::string source = {};
  std::string path = {};    // Empty where there is no file.
  TickFileInfo info = {};   // Counts, also of a file that was up to date.
  bool skipped = false;     // It was up to date.
  arrow::Status status = {};
};

// `sources`: files, globs and folders. A workbook (.xlsx, .xlsm) is a security a sheet. A CSV or Parquet file of bids,
// asks and trades is a security, named after the file, or has a column `symbol` or `security`. Files of trades (without
// a type) and of quotes (bid_px, bid_sz, ask_px, ask_sz) belong together by their symbols. A tick file is an input
// beside others of its security; alone it stands for itself, and next to what it was made from it is passed over.
//
// What several inputs have of one security is joined by time; of the same time, what comes first is that of the input
// that comes first, and then its rows in their order. All files with symbols count as one input, at the place of the
// first of them, and so do files of trades and quotes.
//
// `folder` is made where it is missing. A file of it that was made of the same content with the same options is left
// as it is. One that was made from inputs that are not among `sources` is left as well, and its security has an error,
// unless `overwrite`. Files appear when they are complete: a conversion that ends early leaves whole files only, and
// what a killed one has left in the folder is removed. What is wrong with one input is said in the results of its
// securities, and keeps none of the others. Results are in the order of the sources.
//
// Memory: for each worker some hundred thousand ticks, whatever the files' sizes. Errors: options that cannot be used
// (kOption), a source that is missing, a single source that cannot be read at all, a folder that cannot be made,
// Cancelled, those of `progress`.
arrow::Result<std::vector<ConvertedTicks>> ConvertTicks(const std::vector<std::string>& sources,
                                                        const std::string& folder, ConvertTicksOptions options = {});

}  // namespace sabot::ticks
