#include <arrow/util/io_util.h>
#include <zip.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "sabot/connectors/zip_archive_internal.h"
#include "sabot/data/errors.h"

namespace sabot::connectors::internal {
namespace {

using Archive = std::unique_ptr<zip_t, decltype([](zip_t* archive) { zip_discard(archive); })>;
using File = std::unique_ptr<zip_file_t, decltype([](zip_file_t* file) { zip_fclose(file); })>;

arrow::Status Unreadable(const std::string& name, zip_error_t* error) {
  switch (zip_error_code_zip(error)) {
    case ZIP_ER_NOPASSWD:
    case ZIP_ER_ENCRNOTSUPP:
      return data::DataError("its part '" + name + "' is encrypted. Save it without a password.");
    case ZIP_ER_COMPNOTSUPP:
      return data::DataError("its part '" + name + "' is compressed in a way that is not known. Save it again.");
    default:
      return data::DataError("its part '" + name + "' is damaged (" + zip_error_strerror(error) +
                             "). Copy the file again, or save it again.");
  }
}

class LibzipPart final : public ZipPart {
 public:
  LibzipPart(std::string name, File file, int64_t size) : name_(std::move(name)), file_(std::move(file)), size_(size) {}

  arrow::Result<int64_t> Read(char* to, int64_t bytes) override {
    const zip_int64_t read = zip_fread(file_.get(), to, static_cast<zip_uint64_t>(bytes));
    if (read < 0) return Unreadable(name_, zip_file_get_error(file_.get()));
    return read;
  }
  int64_t size() const override { return size_; }

 private:
  std::string name_;
  File file_;
  int64_t size_;
};

}  // namespace

struct ZipArchive::Handle {
  Archive archive;

  // -1, if there is none.
  zip_int64_t IndexOf(const std::string& name) const {
    const zip_int64_t index = zip_name_locate(archive.get(), name.c_str(), ZIP_FL_ENC_GUESS);
    return index >= 0 ? index : zip_name_locate(archive.get(), name.c_str(), ZIP_FL_NOCASE);
  }
};

ZipArchive::ZipArchive(std::unique_ptr<Handle> handle) : handle_(std::move(handle)) {}
ZipArchive::~ZipArchive() = default;

arrow::Result<std::unique_ptr<ZipArchive>> ZipArchive::Open(const std::string& path) {
  int code = 0;
  errno = 0;
  Archive archive(zip_open(path.c_str(), ZIP_RDONLY, &code));
  if (archive != nullptr) {
    return std::unique_ptr<ZipArchive>(new ZipArchive(std::make_unique<Handle>(Handle{std::move(archive)})));
  }
  const int cause = code == ZIP_ER_NOENT ? ENOENT : errno;
  if (code == ZIP_ER_NOENT || code == ZIP_ER_OPEN || code == ZIP_ER_READ || code == ZIP_ER_SEEK) {
    return arrow::internal::IOErrorFromErrno(cause, "it cannot be opened: ", std::strerror(cause));
  }
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  const std::string found = zip_error_strerror(&error);
  zip_error_fini(&error);
  return data::DataError("it is no whole zip file (" + found + "). Copy the file again, or save it again.");
}

bool ZipArchive::Has(const std::string& name) const { return handle_->IndexOf(name) >= 0; }

std::string ZipArchive::Fingerprint(const std::string& name) const {
  const zip_int64_t index = handle_->IndexOf(name);
  zip_stat_t stat;
  zip_stat_init(&stat);
  if (index < 0 || zip_stat_index(handle_->archive.get(), static_cast<zip_uint64_t>(index), 0, &stat) != 0) return "";
  return std::to_string(stat.crc) + "-" + std::to_string(stat.size);
}

arrow::Result<std::unique_ptr<ZipPart>> ZipArchive::OpenPart(const std::string& name) {
  zip_t* const archive = handle_->archive.get();
  const zip_int64_t index = handle_->IndexOf(name);
  if (index < 0) return data::DataError("its part '" + name + "' is missing. Copy the file again, or save it again.");
  zip_stat_t stat;
  zip_stat_init(&stat);
  File file;
  if (zip_stat_index(archive, static_cast<zip_uint64_t>(index), 0, &stat) == 0) {
    file.reset(zip_fopen_index(archive, static_cast<zip_uint64_t>(index), 0));
  }
  if (file == nullptr) return Unreadable(name, zip_get_error(archive));
  const auto size = std::min<zip_uint64_t>(stat.size, std::numeric_limits<int64_t>::max());
  return std::make_unique<LibzipPart>(name, std::move(file), static_cast<int64_t>(size));
}

}  // namespace sabot::connectors::internal
