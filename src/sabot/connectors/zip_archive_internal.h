// A zip file, read part by part. For one thread at a time.
#pragma once

#include <arrow/result.h>

#include <cstdint>
#include <memory>
#include <string>

namespace sabot::connectors::internal {

// One part, from its beginning to its end. Damage is found at the latest at its end, by its checksum.
class ZipPart {
 public:
  virtual ~ZipPart() = default;

  // Up to `bytes` of it; 0 at the end. Error (kData): damage.
  virtual arrow::Result<int64_t> Read(char* to, int64_t bytes) = 0;
  // As the archive says.
  virtual int64_t size() const = 0;
};

class ZipArchive {
 public:
  // Errors: IOError, if the file cannot be opened; kData, if it is no zip file.
  static arrow::Result<std::unique_ptr<ZipArchive>> Open(const std::string& path);
  ~ZipArchive();

  bool Has(const std::string& name) const;
  // Checksum and size of a part's content, as the archive's directory has them; empty, if it is not there.
  std::string Fingerprint(const std::string& name) const;
  // Names are compared without case where none is the same, as Excel does. The archive must outlive the part.
  arrow::Result<std::unique_ptr<ZipPart>> OpenPart(const std::string& name);

 private:
  struct Handle;
  explicit ZipArchive(std::unique_ptr<Handle> handle);

  std::unique_ptr<Handle> handle_;
};

}  // namespace sabot::connectors::internal
