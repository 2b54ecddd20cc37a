// Arrow's file system of a path or a URI, with time limits: what reads files, and what writes them to an object store.
#pragma once

#include <arrow/filesystem/filesystem.h>
#include <arrow/result.h>

#include <memory>
#include <string>
#include <string_view>

namespace sabot::env {

struct FileSystemPath {
  std::shared_ptr<arrow::fs::FileSystem> file_system;
  std::string path;      // In the file system.
  std::string endpoint;  // Who answers, as messages name it; empty for the disk.
};

// "s3" of "s3://bucket/key"; empty for a path.
std::string_view SchemeOf(std::string_view path_or_uri);

// What messages call it: a URI without the secrets that may stand before '@', and without options.
std::string PublicName(const std::string& path_or_uri);
// Error (Invalid): it is empty, or holds a zero byte, behind which the system would see nothing.
arrow::Status CheckPath(const std::string& path_or_uri);

// A path, file:///path, or s3://bucket/key with Arrow's options after '?': endpoint_override, scheme, region.
// Credentials are found where the AWS tools find theirs. An S3 endpoint has 5 s to take a connection and 30 s to go on
// with an answer, and gets a request at most three times; SABOT_S3_TIMEOUT_S sets the 30 s, and the 5 s where it is
// less. Errors: those of CheckPath, a scheme other than these, a URI that is none, a timeout that is no number of
// seconds (Invalid).
arrow::Result<FileSystemPath> FileSystemOf(const std::string& path_or_uri);

// What went wrong at an endpoint, with its name, what it means and what to do; a status of the disk stays as it is.
arrow::Status ExplainEndpoint(const std::string& endpoint, const arrow::Status& status);

// The seconds of a text, for SABOT_S3_TIMEOUT_S. Error (Invalid): it is no number from 0.1 to 3,600.
arrow::Result<double> ParseTimeout(std::string_view seconds);

}  // namespace sabot::env
