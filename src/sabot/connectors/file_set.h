// The files that a user names by a file, a glob, a folder or an S3 URI: sorted by name, so that the rows of a source
// have an order that does not depend on the disk.
#pragma once

#include <arrow/filesystem/filesystem.h>
#include <arrow/io/interfaces.h>
#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sabot::connectors {

struct InputFile {
  std::string name;  // For messages: the path, or s3://bucket/key.
  std::string path;  // In the file system.
  std::shared_ptr<arrow::fs::FileSystem> file_system;
  std::string endpoint;  // Of an object store, else empty.
  int64_t bytes = 0;      // 0 where that is not known: a pipe.
  bool is_pipe = false;  // Or a device: can be read once, from its beginning to its end.
};

struct FileSetOptions {
  std::string connector = "file source";  // Begins messages: "parquet source", "csv source".
  std::vector<std::string> suffixes;      // Of the files that a folder stands for: ".parquet". Empty: any.
};

// One or more files. A glob knows *, ?, [a-z] in a name and ** for any folders; a name that is there as it is written
// is no glob. A folder stands for the files of the suffixes in it and below. Names that begin with '.' or '_' and those
// that end in '.partial' stand for themselves only: in folders and globs they are skipped. A file named twice is read
// once.
// Errors, each naming the connector and what was named: no such file (IOError with ENOENT, nearest names), a folder
// without files or a glob that matches none (the same), no permission (EACCES), an endpoint that does not answer
// (IOError, within the time limits of env/file_system.h), nothing named at all (kOption).
arrow::Result<std::vector<InputFile>> ExpandFiles(const std::vector<std::string>& named, const FileSetOptions& options);

// Errors are those of the file system, without the file's name.
arrow::Result<std::shared_ptr<arrow::io::RandomAccessFile>> OpenInput(const InputFile& file);
// For what is read from its beginning to its end only: a pipe will do. Its writer is waited for as long as
// env::InterruptScope allows.
arrow::Result<std::shared_ptr<arrow::io::InputStream>> OpenInputStream(const InputFile& file);

}  // namespace sabot::connectors
