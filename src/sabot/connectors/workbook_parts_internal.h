// The small parts of a workbook: which sheets it has, where they are, and the table of texts that they share.
#pragma once

#include <arrow/result.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "sabot/connectors/zip_archive_internal.h"

namespace sabot::connectors::internal {

// What one part says of another.
struct Relationship {
  std::string type;  // The last word of its name: worksheet, sharedStrings.
  std::string part;  // A name in the archive; empty, if it stands elsewhere.
};

// By id, of the part `name`; none, if nothing stands in the archive about it.
arrow::Result<std::map<std::string, Relationship>> ReadRelationships(ZipArchive& archive, const std::string& name);

struct WorkbookPart {
  struct Sheet {
    std::string name;
    std::string relationship;
  };
  std::vector<Sheet> sheets;
  bool date1904 = false;
};
arrow::Result<WorkbookPart> ReadWorkbookPart(ZipArchive& archive, const std::string& name);

// The texts of a workbook, in one piece of memory.
class SharedTexts {
 public:
  static constexpr int64_t kBytesMax = int64_t{1} << 30;

  static arrow::Result<SharedTexts> Read(ZipArchive& archive, const std::string& name);

  int64_t size() const { return static_cast<int64_t>(ends_.size()); }
  std::string_view operator[](int64_t index) const;

 private:
  friend class SharedTextsHandler;
  std::string bytes_;
  std::vector<uint64_t> ends_;
};

// Replaces _x000D_ and its like, as which XML's forbidden characters are written, from `begin` on.
void ResolveEscapes(std::string* text, std::size_t begin);
// Whether there is something to replace, perhaps.
inline bool MayHaveEscapes(std::string_view text) { return text.find("_x") != std::string_view::npos; }

}  // namespace sabot::connectors::internal
