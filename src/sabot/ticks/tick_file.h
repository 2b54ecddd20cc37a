// Ticks of one security as a Parquet file: ordered by time, typed by TickSchema, with what is known of their source in
// the file's metadata.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sabot/ticks/tick_schema.h"

namespace sabot::ticks {

// Kept in the file under the names in brackets; `sabot.ticks` = "1" says that the file is one of ours.
struct TickFileInfo {
  std::string security = {};       // As it was written: ADNOCGAS. [sabot.security]
  std::string source = {};         // A file, or the sheets of one. [sabot.source]
  // The files that it was made from: absolute, or s3://bucket/key. [sabot.source_paths, a line each]
  std::vector<std::string> source_paths = {};
  std::string source_digest = {};  // Of the content that the file was made from. [sabot.source_digest]
  std::string market = {};         // The session preset; empty where none is known. [sabot.market]
  int64_t rows = 0;           // [sabot.rows]
  int64_t rejected = 0;       // Rows of the source that could not be used. [sabot.rejected]
  int64_t reordered = 0;      // Rows that stood behind a later one in the source. [sabot.reordered]
  int64_t securities = 1;  // Files that were made of the same source. [sabot.securities]
};

// Yields the ticks of a file in its order. One thread at a time; no threads of its own.
class TickReader {
 public:
  virtual ~TickReader() = default;
  virtual const TickFileInfo& info() const = 0;
  virtual bool has_side() const = 0;
  // Batches of TickSchema(has_side()) with at most `batch_rows` rows and at least one; null at the end. What they hold
  // was checked: times that do not go back (also not from one batch to the next), no nulls but in `side`, types of
  // TickTypeNames, prices above zero, volumes not below zero, both finite, sides of +1 and -1.
  virtual arrow::Result<std::shared_ptr<arrow::RecordBatch>> Next() = 0;
};

// Reads a file of ours, or one of somebody else whose columns are those of TickSchema and that is in order: then the
// security is the file's name without its suffix, and source, digest and market are empty. Memory: a row group's pages,
// at most 65,536 rows of them at a time.
//
// Errors, each with the file's name: those of a Parquet source (it is missing, truncated, damaged); a column that is
// missing or of another type (kSchema: says how to convert it); batch_rows below one (kOption). Errors of Next: a
// damaged page, a value that breaks the promises above (kData, with its row).
arrow::Result<std::unique_ptr<TickReader>> OpenTickFile(const std::string& path, int64_t batch_rows = 65'536);

// What a file says of itself, without reading a row. `is_ours`: it has the metadata of ours.
struct TickFileLook {
  bool is_ours = false;
  bool is_canonical = false;  // Its columns can be read by OpenTickFile as they are.
  TickFileInfo info;
};
arrow::Result<TickFileLook> LookAtTickFile(const std::string& path);

// Whether OpenTickFile reads it to its end. One of ours is taken at its word; another one, of the same columns, is read
// for that. False: it must be converted. Errors: as of LookAtTickFile, and Cancelled (see env::InterruptScope).
arrow::Result<bool> IsTickFile(const std::string& path);

// Writes such a file. It appears under its name when it is complete, or not at all. One thread.
class TickFileWriter {
 public:
  virtual ~TickFileWriter() = default;
  // Ordered batches of the schema that it was opened with. They are not checked again.
  virtual arrow::Status Write(const std::shared_ptr<arrow::RecordBatch>& ticks) = 0;
  // `rows` of the info is filled in. Called once, at the end; destroyed before, it leaves nothing.
  virtual arrow::Status Close(TickFileInfo info) = 0;
};
arrow::Result<std::unique_ptr<TickFileWriter>> OpenTickFileWriter(const std::string& path, bool with_side);

// The name of a security's file: adnocgas.parquet. What no file name can hold, or would hide the file, is '-'.
std::string TickFileName(const std::string& security);

}  // namespace sabot::ticks
