// What the storages share.
#pragma once

#include <arrow/io/interfaces.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "sabot/env/storage.h"

namespace sabot::env::internal {

std::shared_ptr<Storage> MakeLocalStorage();

arrow::Status FolderNotEmpty(const std::string& path);  // ENOTEMPTY.

// A stream that counts, and hands bytes to a function. Writers close their streams, or let their destructors do it;
// here that must not finish a file which only Commit may finish.
class UncommittedStream final : public arrow::io::OutputStream {
 public:
  using Append = std::function<arrow::Status(const void* data, int64_t bytes)>;
  explicit UncommittedStream(Append append) : append_(std::move(append)) {}

  using arrow::io::Writable::Write;
  arrow::Status Write(const void* data, int64_t bytes) override {
    if (closed_) return arrow::Status::Invalid("The stream is closed.");
    ARROW_RETURN_NOT_OK(append_(data, bytes));
    bytes_ += bytes;
    return arrow::Status::OK();
  }
  arrow::Status Close() override { return closed_ = true, arrow::Status::OK(); }
  arrow::Result<int64_t> Tell() const override { return bytes_; }
  bool closed() const override { return closed_; }

 private:
  Append append_;
  int64_t bytes_ = 0;
  bool closed_ = false;
};

}  // namespace sabot::env::internal
