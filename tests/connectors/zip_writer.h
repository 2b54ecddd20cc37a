// Zip files for tests of workbooks.
#pragma once

#include <gtest/gtest.h>
#include <zip.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "tests/connectors/sheet_text.h"

namespace sabot::connectors {

using Parts = std::vector<std::pair<std::string, std::string>>;  // Names and contents.

inline void WriteZip(const std::string& path, const Parts& parts, zip_int32_t compression = ZIP_CM_DEFLATE,
                     const std::string& password = "") {
  std::filesystem::remove(path);
  int code = 0;
  zip_t* const archive = zip_open(path.c_str(), ZIP_CREATE, &code);
  ASSERT_NE(archive, nullptr);
  for (const auto& [name, content] : parts) {
    zip_source_t* const source = zip_source_buffer(archive, content.data(), content.size(), 0);
    const zip_int64_t index = zip_file_add(archive, name.c_str(), source, 0);
    ASSERT_GE(index, 0);
    ASSERT_EQ(zip_set_file_compression(archive, static_cast<zip_uint64_t>(index), compression, 0), 0);
    if (!password.empty()) {
      ASSERT_EQ(zip_file_set_encryption(archive, static_cast<zip_uint64_t>(index), ZIP_EM_AES_256, password.c_str()),
                0);
    }
  }
  ASSERT_EQ(zip_close(archive), 0) << zip_strerror(archive);
}

// A part of relationships, of triples of id, type and target.
inline std::string RelationshipsOf(const std::vector<std::vector<std::string>>& relationships) {
  std::string xml = "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">";
  for (const auto& relationship : relationships) {
    xml += "<Relationship Id=\"" + relationship[0] +
           "\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/" + relationship[1] +
           "\" Target=\"" + relationship[2] + "\"/>";
  }
  return xml + "</Relationships>";
}

// xl/workbook.xml with these sheets, of name and relationship.
inline std::string WorkbookOf(const std::vector<std::pair<std::string, std::string>>& sheets,
                              const std::string& properties = "") {
  std::string xml = "<workbook xmlns=\"" + std::string(kSheetNamespace) +
                    "\" xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\"><workbookPr " +
                    properties + "/><sheets>";
  for (const auto& [name, relationship] : sheets) {
    xml += "<sheet name=\"" + name + "\" sheetId=\"1\" r:id=\"" + relationship + "\"/>";
  }
  return xml + "</sheets></workbook>";
}

// The parts of a workbook of one sheet, `S`.
inline Parts PartsOf(const std::string& sheet) {
  return {{"_rels/.rels", RelationshipsOf({{"rId1", "officeDocument", "xl/workbook.xml"}})},
          {"xl/workbook.xml", WorkbookOf({{"S", "rId1"}})},
          {"xl/_rels/workbook.xml.rels", RelationshipsOf({{"rId1", "worksheet", "worksheets/sheet1.xml"}})},
          {"xl/worksheets/sheet1.xml", sheet}};
}

}  // namespace sabot::connectors
