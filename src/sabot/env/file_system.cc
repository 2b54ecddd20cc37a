#include "sabot/env/file_system.h"

#include <arrow/filesystem/localfs.h>
#include <arrow/filesystem/s3fs.h>
#include <arrow/util/io_util.h>
#include <arrow/util/uri.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <mutex>
#include <utility>

namespace sabot::env {
namespace {

constexpr double kConnectTimeoutS = 5;
constexpr double kRequestTimeoutS = 30;
constexpr int64_t kRetriesMax = 2;
constexpr int64_t kRetryDelayMs = 200;  // Doubled each time.
constexpr const char* kTimeoutVariable = "SABOT_S3_TIMEOUT_S";

// Again after what passes by itself, but not after a timeout: whoever was silent for so long stays silent.
class FewRetries final : public arrow::fs::S3RetryStrategy {
 public:
  bool ShouldRetry(const AWSErrorDetail& error, int64_t attempted) override {
    const bool timed_out =
        error.message.find("imeout") != std::string::npos || error.message.find("timed out") != std::string::npos;
    return error.should_retry && !timed_out && attempted < kRetriesMax;
  }
  int64_t CalculateDelayBeforeNextRetry(const AWSErrorDetail&, int64_t attempted) override {
    return kRetryDelayMs << std::min<int64_t>(attempted, kRetriesMax);
  }
};

arrow::Result<double> RequestTimeout() {
  const char* const text = std::getenv(kTimeoutVariable);
  if (text == nullptr || *text == '\0') return kRequestTimeoutS;
  return ParseTimeout(text);
}

// Arrow wants its S3 ended before the process is, or the process may crash at its end. What ends it needs static
// objects that the first file system makes. So one is made before the handler is registered, which then runs before
// they are destroyed; it asks nobody anything.
arrow::Status BeginS3() {
  ARROW_RETURN_NOT_OK(arrow::fs::EnsureS3Initialized());
  static std::once_flag once;
  std::call_once(once, [] {
    auto options = arrow::fs::S3Options::Anonymous();
    options.region = "us-east-1";
    static_cast<void>(arrow::fs::S3FileSystem::Make(options));
    std::atexit([] { static_cast<void>(arrow::fs::EnsureS3Finalized()); });
  });
  return arrow::Status::OK();
}

// Of a glob in a key, which URIs know in this form only.
std::string WithBracketsEscaped(std::string uri) {
  for (std::size_t at = 0; (at = uri.find_first_of("[]?", at)) != std::string::npos && uri[at] != '?'; at += 3) {
    uri.replace(at, 1, uri[at] == '[' ? "%5B" : "%5D");
  }
  return uri;
}

arrow::Result<FileSystemPath> S3Of(const std::string& uri) {
  ARROW_ASSIGN_OR_RAISE(const double timeout_s, RequestTimeout());
  ARROW_RETURN_NOT_OK(BeginS3());
  FileSystemPath found;
  auto parsed = arrow::fs::S3Options::FromUri(WithBracketsEscaped(uri), &found.path);
  if (!parsed.ok()) {
    return arrow::Status::Invalid("'", PublicName(uri), "': this is no URI of S3, or one of its options is unknown. ",
                                  "Write s3://bucket/key, and options after '?', joined by '&'.");
  }
  arrow::fs::S3Options options = std::move(parsed).ValueUnsafe();
  if (found.path.empty())
    return arrow::Status::Invalid("'", PublicName(uri), "' names no bucket. Write s3://bucket/key.");
  options.connect_timeout = std::min(kConnectTimeoutS, timeout_s);
  options.request_timeout = timeout_s;
  options.retry_strategy = std::make_shared<FewRetries>();
  // An endpoint of one's own has no region; without one the SDK would ask a metadata service for it.
  if (options.region.empty() && !options.endpoint_override.empty()) options.region = "us-east-1";
  found.endpoint = options.endpoint_override.empty() ? "s3 (region '" + options.region + "')"
                                                     : options.scheme + "://" + options.endpoint_override;
  auto file_system = arrow::fs::S3FileSystem::Make(options);
  if (!file_system.ok()) return ExplainEndpoint(found.endpoint, file_system.status());
  found.file_system = std::move(file_system).ValueUnsafe();
  return found;
}

bool Holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

std::string_view SchemeOf(std::string_view path_or_uri) {
  const std::size_t end = path_or_uri.find("://");
  if (end == std::string_view::npos) return {};
  const std::string_view scheme = path_or_uri.substr(0, end);
  return arrow::util::IsValidUriScheme(scheme) ? scheme : std::string_view();
}

std::string PublicName(const std::string& path_or_uri) {
  const std::string_view scheme = SchemeOf(path_or_uri);
  if (scheme.empty() || scheme == "file") return path_or_uri;
  const std::size_t authority = scheme.size() + 3;
  const std::size_t slash = std::min(path_or_uri.find('/', authority), path_or_uri.size());
  // No bucket has a colon: what does is a secret, even one whose slashes were not escaped.
  const bool secret = path_or_uri.substr(authority, slash - authority).find(':') != std::string::npos;
  const std::size_t at = path_or_uri.rfind('@', secret ? path_or_uri.find('?') : slash);
  const std::size_t begin = at == std::string::npos || at < authority ? authority : at + 1;
  return path_or_uri.substr(0, authority) + path_or_uri.substr(begin, path_or_uri.find('?', begin) - begin);
}

arrow::Result<double> ParseTimeout(std::string_view seconds) {
  double value = 0;
  const auto [end, error] = std::from_chars(seconds.data(), seconds.data() + seconds.size(), value);
  if (error != std::errc() || end != seconds.data() + seconds.size() || !(value >= 0.1 && value <= 3'600)) {
    return arrow::Status::Invalid(kTimeoutVariable, " is '", seconds, "'. Set a number of seconds from 0.1 to 3600.");
  }
  return value;
}

arrow::Status CheckPath(const std::string& path_or_uri) {
  if (path_or_uri.empty()) return arrow::Status::Invalid("a path is empty. Name a file.");
  const std::size_t zero = path_or_uri.find('\0');
  if (zero == std::string::npos) return arrow::Status::OK();
  return arrow::Status::Invalid("'", path_or_uri.substr(0, zero), "' is followed by a zero byte, which no path holds. ",
                                "Remove it.");
}

arrow::Result<FileSystemPath> FileSystemOf(const std::string& path_or_uri) {
  ARROW_RETURN_NOT_OK(CheckPath(path_or_uri));
  const std::string_view scheme = SchemeOf(path_or_uri);
  if (scheme == "s3") return S3Of(path_or_uri);
  FileSystemPath found = {
      .file_system = std::make_shared<arrow::fs::LocalFileSystem>(), .path = path_or_uri, .endpoint = ""};
  if (scheme.empty()) return found;
  if (scheme != "file") {
    return arrow::Status::Invalid("'", PublicName(path_or_uri), "': '", scheme,
                                  "' is no scheme that can be read or written. Use a path, file:// or s3://.");
  }
  const auto uri = arrow::util::Uri::FromString(path_or_uri);
  if (!uri.ok() || !uri->host().empty()) {
    return arrow::Status::Invalid("'", path_or_uri, "' is no URI of a file of this machine. Write file:///path.");
  }
  found.path = uri->path();
  return found;
}

arrow::Status ExplainEndpoint(const std::string& endpoint, const arrow::Status& status) {
  if (status.ok() || endpoint.empty()) return status;
  std::string cause;
  const std::string& message = status.message();
  if (Holds(message, "imeout") || Holds(message, "timed out")) {
    cause = std::string("it did not answer in time. See that it runs, or set ") + kTimeoutVariable + " higher: ";
  } else if (Holds(message, "NETWORK_CONNECTION") || Holds(message, "onnect")) {
    cause = "it cannot be reached. See that it runs and that its address is right: ";
  } else if (Holds(message, "ACCESS_DENIED") || Holds(message, "HTTP status 403")) {
    cause = "it refuses these credentials. See AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: ";
  }
  return status.WithMessage("endpoint ", endpoint, ": ", cause, message);
}

}  // namespace sabot::env
