#include "sabot/connectors/workbook.h"

#include <arrow/util/io_util.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <map>
#include <mutex>
#include <utility>

#include "sabot/connectors/sheet_reader_internal.h"
#include "sabot/connectors/workbook_parts_internal.h"
#include "sabot/connectors/zip_archive_internal.h"
#include "sabot/data/errors.h"

namespace sabot::connectors {
namespace {

// Which file a path stands for, and as of when.
struct FileState {
  uint64_t device = 0;
  uint64_t node = 0;
  int64_t bytes = 0;
  int64_t changed_ns = 0;

  bool operator==(const FileState&) const = default;

  static arrow::Result<FileState> Of(const std::string& path) {
    struct stat found{};
    if (stat(path.c_str(), &found) != 0) {
      const int error = errno;
      return arrow::internal::IOErrorFromErrno(error, "it cannot be opened: ", std::strerror(error));
    }
    if (!S_ISREG(found.st_mode)) return arrow::Status::IOError("it cannot be opened: it is no file");
    return FileState{.device = found.st_dev,
                     .node = found.st_ino,
                     .bytes = found.st_size,
                     .changed_ns = found.st_mtim.tv_sec * int64_t{1'000'000'000} + found.st_mtim.tv_nsec};
  }
};

class XlsxWorkbook final : public Workbook {
 public:
  static arrow::Result<std::shared_ptr<Workbook>> Open(const std::string& path) {
    auto workbook = std::make_shared<XlsxWorkbook>();
    workbook->path_ = path;
    ARROW_RETURN_NOT_OK(workbook->ReadParts());
    return workbook;
  }

  const std::vector<std::string>& sheets() const override { return names_; }
  bool date1904() const override { return date1904_; }

  arrow::Result<std::string> Fingerprint(int index) const override {
    ARROW_RETURN_NOT_OK(CheckIndex(index));
    const auto archive = internal::ZipArchive::Open(path_);
    if (!archive.ok()) return archive.status().WithMessage("'", path_, "': ", archive.status().message());
    const std::string sheet = (*archive)->Fingerprint(parts_[static_cast<std::size_t>(index)]);
    return sheet + " " + (*archive)->Fingerprint(texts_part_) + (date1904_ ? " 1904" : " 1900");
  }

  arrow::Result<std::unique_ptr<SheetReader>> OpenSheet(int index) const override {
    ARROW_RETURN_NOT_OK(CheckIndex(index));
    const auto sheet = static_cast<std::size_t>(index);
    const std::string where = "'" + path_ + "', sheet '" + names_[sheet] + "'";
    const auto opened = [&]() -> arrow::Result<std::unique_ptr<SheetReader>> {
      ARROW_ASSIGN_OR_RAISE(const FileState now, FileState::Of(path_));
      if (now != file_) return data::DataError("the file was changed after it was opened. Open it again.");
      ARROW_ASSIGN_OR_RAISE(auto archive, internal::ZipArchive::Open(path_));
      ARROW_ASSIGN_OR_RAISE(auto texts, Texts(*archive));
      ARROW_ASSIGN_OR_RAISE(auto part, archive->OpenPart(parts_[sheet]));
      return std::make_unique<internal::XmlSheetReader>(where, std::move(archive), std::move(part), std::move(texts));
    };
    auto reader = opened();
    if (reader.ok()) return reader;
    return reader.status().WithMessage(where, ": ", reader.status().message());
  }

 private:
  arrow::Status CheckIndex(int index) const {
    if (index >= 0 && static_cast<std::size_t>(index) < names_.size()) return arrow::Status::OK();
    return data::OptionError("'" + path_ + "' has " + std::to_string(names_.size()) + " sheets, and none of index " +
                             std::to_string(index));
  }

  arrow::Status ReadParts() {
    const arrow::Status status = FindSheets();
    return status.ok() ? status : status.WithMessage("'", path_, "': ", status.message());
  }

  arrow::Status FindSheets() {
    ARROW_ASSIGN_OR_RAISE(file_, FileState::Of(path_));
    constexpr std::string_view kCompoundFile = "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";
    std::array<char, kCompoundFile.size()> begin{};
    std::ifstream(path_, std::ios::binary).read(begin.data(), begin.size());
    if (std::string_view(begin.data(), begin.size()) == kCompoundFile) {
      return data::DataError(
          "it is an old .xls workbook, or one with a password. Save it with Excel or LibreOffice as .xlsx, without a "
          "password.");
    }
    ARROW_ASSIGN_OR_RAISE(const auto archive, internal::ZipArchive::Open(path_));
    std::string part = "xl/workbook.xml";
    ARROW_ASSIGN_OR_RAISE(const auto documents, internal::ReadRelationships(*archive, ""));
    for (const auto& [id, document] : documents) {
      if (document.type == "officeDocument" && !document.part.empty()) part = document.part;
    }
    if (part.ends_with(".bin")) {
      return data::DataError("it is a binary workbook (.xlsb). Save it with Excel or LibreOffice as .xlsx.");
    }
    if (!archive->Has(part)) {
      return data::DataError("it is a zip file, but no workbook: part '" + part +
                             "' is missing. Save it with Excel or LibreOffice as .xlsx.");
    }
    ARROW_ASSIGN_OR_RAISE(const auto workbook, internal::ReadWorkbookPart(*archive, part));
    ARROW_ASSIGN_OR_RAISE(const auto relationships, internal::ReadRelationships(*archive, part));
    date1904_ = workbook.date1904;
    for (const auto& sheet : workbook.sheets) {
      const auto relationship = relationships.find(sheet.relationship);
      if (relationship == relationships.end()) {
        return data::DataError("its part '" + part + "' has a sheet '" + sheet.name + "' with relationship '" +
                               sheet.relationship + "', which is not there. Copy the file again, or save it again.");
      }
      if (relationship->second.type != "worksheet") continue;  // A chart, a dialog, macros of an old kind.
      names_.push_back(sheet.name);
      parts_.push_back(relationship->second.part);
    }
    for (const auto& [id, relationship] : relationships) {
      if (relationship.type == "sharedStrings") texts_part_ = relationship.part;
    }
    return arrow::Status::OK();
  }

  // Read by the first who asks; the others wait.
  arrow::Result<std::shared_ptr<const internal::SharedTexts>> Texts(internal::ZipArchive& archive) const {
    if (texts_part_.empty()) return nullptr;
    const std::scoped_lock lock(mutex_);
    if (!texts_read_) {
      texts_read_ = true;
      auto texts = internal::SharedTexts::Read(archive, texts_part_);
      if (texts.ok()) {
        texts_ = std::make_shared<const internal::SharedTexts>(*std::move(texts));
      } else {
        texts_status_ = texts.status();
      }
    }
    ARROW_RETURN_NOT_OK(texts_status_);
    return texts_;
  }

  std::string path_;
  FileState file_;
  std::vector<std::string> names_;
  std::vector<std::string> parts_;
  std::string texts_part_;
  bool date1904_ = false;

  mutable std::mutex mutex_;  // Of what follows.
  mutable bool texts_read_ = false;
  mutable arrow::Status texts_status_;
  mutable std::shared_ptr<const internal::SharedTexts> texts_;
};

}  // namespace

arrow::Result<std::shared_ptr<Workbook>> Workbook::Open(const std::string& path) { return XlsxWorkbook::Open(path); }

std::optional<int64_t> SerialToNanoseconds(double serial, bool date1904) {
  constexpr double kDayMicroseconds = 86'400e6;
  constexpr double kWritten = 1.1;  // Microseconds that a serial of 16 digits may be off by.
  constexpr int64_t kDayNanoseconds = 86'400'000'000'000;
  constexpr int64_t kDaysFrom1904 = 24'107;       // To 1970, as the next two.
  constexpr int64_t kDaysFrom1899 = 25'569;       // From 30 December, as if 1900 had had a 29 February,
  constexpr double kLeapDay = 60;                 // which is this one.
  constexpr double kSerialMax = 2'958'466;        // The year 10000.
  if (!(serial >= 0) || serial >= kSerialMax) return std::nullopt;
  const double day = std::floor(serial);
  if (!date1904 && day == kLeapDay) return std::nullopt;
  const double microseconds = (serial - day) * kDayMicroseconds;
  const double milliseconds = std::round(microseconds / 1000);
  const double rounded =
      std::abs(microseconds - milliseconds * 1000) <= kWritten ? milliseconds * 1000 : std::round(microseconds);
  const int64_t days =
      static_cast<int64_t>(day) - (date1904 ? kDaysFrom1904 : kDaysFrom1899) + (!date1904 && day < kLeapDay ? 1 : 0);
  int64_t nanoseconds = 0;
  if (__builtin_mul_overflow(days, kDayNanoseconds, &nanoseconds) ||
      __builtin_add_overflow(nanoseconds, static_cast<int64_t>(rounded) * 1000, &nanoseconds)) {
    return std::nullopt;
  }
  return nanoseconds;
}

}  // namespace sabot::connectors
