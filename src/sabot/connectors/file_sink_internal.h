// What the sinks of all formats share: columns as they are written, files cut by rows, and one way to finish them.
#pragma once

#include <arrow/io/interfaces.h>
#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sabot/connectors/sink.h"
#include "sabot/env/storage.h"

namespace sabot::connectors::internal {

// Turns batches into the bytes of one file. What it writes must depend on the rows alone.
class FileEncoder {
 public:
  virtual ~FileEncoder() = default;
  virtual arrow::Status Write(const std::shared_ptr<arrow::RecordBatch>& batch) = 0;
  virtual arrow::Status Finish() = 0;
};

// `schema` is the written one.
using MakeEncoder = std::function<arrow::Result<std::unique_ptr<FileEncoder>>(
    const std::shared_ptr<arrow::Schema>& schema, const std::shared_ptr<arrow::io::OutputStream>& stream)>;

// Where a sink's rows go.
struct FileSinkPlace {
  std::string path;
  std::string suffix;                               // Of part files: ".parquet".
  int64_t rows_per_file = 0;                        // See sink.h.
  std::optional<int64_t> resume_at = std::nullopt;  // The same.
  std::shared_ptr<env::Storage> storage = nullptr;  // Instead of the one that the path names.
};

// Errors: rows_per_file below 0, resume_at that is no end of a file (kOption), the storage's, and those of
// `make_encoder`, which is called at once, before anything is removed.
arrow::Result<std::unique_ptr<Sink>> OpenFileSink(std::string connector, FileSinkPlace place,
                                                  std::shared_ptr<arrow::Schema> schema, MakeEncoder make_encoder);

inline constexpr int64_t kPartFilesMax = 100'000;  // Names with five digits sort as numbers do.

// The storage of a path, and the path in it; `storage`, where it is given, is that of the path as it stands.
arrow::Result<env::StoragePath> FindStorage(const std::string& path, std::shared_ptr<env::Storage> storage);
// Makes a folder of part files where it is missing. Files of an earlier run would mix with ours: one that ends in the
// suffix is an error (IOError with EEXIST). `option` is what asked for a folder.
arrow::Status OpenPartFolder(env::StoragePath& folder, const std::string& suffix, const std::string& option);
// The same where an earlier run was interrupted: its unfinished files are removed.
struct ResumedParts {
  int64_t kept = 0;      // The files 0 to kept - 1 must be there (kData).
  int64_t expected = 0;  // The files from there on, below this number, may be; others are an error as above.
  bool removes = false;  // They are removed, the last one first: what is there has no gaps at any time.
};
arrow::Status ResumePartFolder(env::StoragePath& folder, const std::string& suffix, const std::string& option,
                               const ResumedParts& parts);
// Removes what was begun of a file and left by a process that ended: <name>.<process>-<number>.partial beside it.
arrow::Status RemoveUnfinished(const env::StoragePath& file);
// "folder/part-00017.parquet"
std::string PartName(const std::string& folder, int64_t number, const std::string& suffix);

// A sink a partition, in one folder. Errors: partitions out of their range, rows_per_file, resume_at other than 0
// (kOption), those of the folder.
using OpenPart =
    std::function<arrow::Result<std::unique_ptr<Sink>>(const std::string& path, std::shared_ptr<env::Storage> storage)>;
arrow::Result<std::vector<std::unique_ptr<Sink>>> OpenParts(const std::string& connector, const FileSinkPlace& place,
                                                            int partitions, const OpenPart& open);

// Where the options of a format say that files go.
template <class Options>
FileSinkPlace PlaceOf(const std::string& path, const char* suffix, const Options& options) {
  return {.path = path,
          .suffix = suffix,
          .rows_per_file = options.rows_per_file,
          .resume_at = options.resume_at,
          .storage = options.storage};
}

// A sink a partition, each opened as one of its own by `open(path, options)`.
template <class Options, class Open>
arrow::Result<std::vector<std::unique_ptr<Sink>>> OpenPartsOf(const std::string& connector, const std::string& folder,
                                                              const char* suffix, const Options& options,
                                                              int partitions, const Open& open) {
  return OpenParts(connector, PlaceOf(folder, suffix, options), partitions,
                   [&](const std::string& path, std::shared_ptr<env::Storage> storage) {
                     Options one = options;
                     one.storage = std::move(storage);
                     one.resume_at = std::nullopt;  // Of all parts: done.
                     return open(path, std::move(one));
                   });
}

// "parquet sink 'a.parquet': "
std::string SinkWhere(const std::string& connector, const std::string& path);

// The schema under which batches are written: without dictionaries and metadata, all strings of either as utf8, so that
// files do not depend on the encoding upstream.
std::shared_ptr<arrow::Schema> WrittenSchema(const arrow::Schema& schema);

// The same rows under the written schema. Errors (kData): an index outside its dictionary, a null where the schema
// allows none.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> WrittenRows(const std::shared_ptr<arrow::RecordBatch>& batch,
                                                               const std::shared_ptr<arrow::Schema>& written);

}  // namespace sabot::connectors::internal
