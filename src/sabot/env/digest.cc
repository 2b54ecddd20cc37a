#include "sabot/env/digest.h"

#include <arrow/buffer.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstddef>

#include "sabot/env/interrupt.h"

namespace sabot::env {
namespace {

constexpr std::size_t kDigits = 64;
constexpr int64_t kPieceBytes = int64_t{1} << 20;

arrow::Status Failed() {
  return arrow::Status::UnknownError("digest: OpenSSL does not compute SHA-256 here. See its configuration.");
}

}  // namespace

struct Digest::Context {
  EVP_MD_CTX* digest = EVP_MD_CTX_new();
  Context() = default;
  ~Context() { EVP_MD_CTX_free(digest); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
};

Digest::Digest(std::unique_ptr<Context> context) : context_(std::move(context)) {}
Digest::Digest(Digest&&) noexcept = default;
Digest& Digest::operator=(Digest&&) noexcept = default;
Digest::~Digest() = default;

arrow::Result<Digest> Digest::Make() {
  auto context = std::make_unique<Context>();
  if (context->digest == nullptr || EVP_DigestInit_ex(context->digest, EVP_sha256(), nullptr) != 1) return Failed();
  return Digest(std::move(context));
}

arrow::Status Digest::Add(const void* data, int64_t bytes) {
  return EVP_DigestUpdate(context_->digest, data, static_cast<std::size_t>(bytes)) == 1 ? arrow::Status::OK()
                                                                                        : Failed();
}

arrow::Result<std::string> Digest::Finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned int size = 0;
  if (EVP_DigestFinal_ex(context_->digest, bytes.data(), &size) != 1 || size * 2 != kDigits) return Failed();
  constexpr std::string_view kHexadecimal = "0123456789abcdef";
  std::string text;
  for (std::size_t at = 0; at < size; ++at) {
    text += kHexadecimal[bytes[at] >> 4];
    text += kHexadecimal[bytes[at] & 15];
  }
  return text;
}

arrow::Result<std::string> DigestOf(std::string_view bytes) {
  ARROW_ASSIGN_OR_RAISE(Digest digest, Digest::Make());
  ARROW_RETURN_NOT_OK(digest.Add(bytes.data(), static_cast<int64_t>(bytes.size())));
  return digest.Finish();
}

arrow::Result<std::string> DigestOf(arrow::io::InputStream& stream) {
  ARROW_ASSIGN_OR_RAISE(Digest digest, Digest::Make());
  ARROW_ASSIGN_OR_RAISE(const auto piece, arrow::AllocateBuffer(kPieceBytes));
  for (;;) {
    ARROW_RETURN_NOT_OK(InterruptScope::Check());
    ARROW_ASSIGN_OR_RAISE(const int64_t bytes, stream.Read(kPieceBytes, piece->mutable_data()));
    if (bytes == 0) return digest.Finish();
    ARROW_RETURN_NOT_OK(digest.Add(piece->data(), bytes));
  }
}

bool IsDigest(std::string_view text) {
  return text.size() == kDigits && std::all_of(text.begin(), text.end(), [](char digit) {
           return (digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f');
         });
}

arrow::Result<std::shared_ptr<DigestStream>> DigestStream::Make(std::shared_ptr<arrow::io::OutputStream> to) {
  ARROW_ASSIGN_OR_RAISE(Digest digest, Digest::Make());
  return std::shared_ptr<DigestStream>(new DigestStream(std::move(digest), std::move(to)));
}

arrow::Status DigestStream::Write(const void* data, int64_t bytes) {
  if (closed_) return arrow::Status::Invalid("The stream is closed.");
  bytes_ += bytes;
  if (static_cast<int64_t>(held_.size()) + bytes >= kPieceBytes) {
    ARROW_RETURN_NOT_OK(HandOn(held_.data(), static_cast<int64_t>(held_.size())));
    held_.clear();
    if (bytes >= kPieceBytes) return HandOn(data, bytes);
  }
  held_.append(static_cast<const char*>(data), static_cast<std::size_t>(bytes));
  return arrow::Status::OK();
}

arrow::Result<std::string> DigestStream::Finish() {
  closed_ = true;
  ARROW_RETURN_NOT_OK(HandOn(held_.data(), static_cast<int64_t>(held_.size())));
  held_.clear();
  return digest_.Finish();
}

arrow::Status DigestStream::HandOn(const void* data, int64_t bytes) {
  if (bytes == 0) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(to_->Write(data, bytes));
  return digest_.Add(data, bytes);
}

}  // namespace sabot::env
