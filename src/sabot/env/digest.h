// SHA-256, by which content is known again. Digests are 64 lower-case hexadecimal digits.
#pragma once

#include <arrow/io/interfaces.h>
#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace sabot::env {

// Of bytes that come in pieces. Errors are those of the library: it has no memory, or may not compute this digest here.
class Digest {
 public:
  static arrow::Result<Digest> Make();
  Digest(Digest&&) noexcept;
  Digest& operator=(Digest&&) noexcept;
  ~Digest();

  arrow::Status Add(const void* data, int64_t bytes);
  arrow::Result<std::string> Finish();  // Called once; nothing is added afterwards.

 private:
  struct Context;
  explicit Digest(std::unique_ptr<Context> context);
  std::unique_ptr<Context> context_;
};

arrow::Result<std::string> DigestOf(std::string_view bytes);
// Of all that a stream has left, read in pieces of 1 MiB. Cancelled, where InterruptScope says so.
arrow::Result<std::string> DigestOf(arrow::io::InputStream& stream);

// Whether the text has the form of a digest.
bool IsDigest(std::string_view text);

// Hands on what is written, in large pieces, and digests it. Without Finish() the last piece is dropped; closing it
// closes nothing else.
class DigestStream final : public arrow::io::OutputStream {
 public:
  static arrow::Result<std::shared_ptr<DigestStream>> Make(std::shared_ptr<arrow::io::OutputStream> to);

  using arrow::io::Writable::Write;
  arrow::Status Write(const void* data, int64_t bytes) override;
  arrow::Status Close() override { return closed_ = true, arrow::Status::OK(); }
  bool closed() const override { return closed_; }
  arrow::Result<int64_t> Tell() const override { return bytes_; }
  arrow::Result<std::string> Finish();  // The digest, once all was handed on. Called once.

 private:
  DigestStream(Digest digest, std::shared_ptr<arrow::io::OutputStream> to)
      : digest_(std::move(digest)), to_(std::move(to)) {}

  arrow::Status HandOn(const void* data, int64_t bytes);

  Digest digest_;
  std::shared_ptr<arrow::io::OutputStream> to_;
  std::string held_;  // Not yet handed on.
  int64_t bytes_ = 0;
  bool closed_ = false;
};

}  // namespace sabot::env
