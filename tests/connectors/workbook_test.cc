#include "sabot/connectors/workbook.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "sabot/data/errors.h"
#include "tests/connectors/temporary_folder.h"
#include "tests/connectors/zip_writer.h"

namespace sabot::connectors {
namespace {

testing::AssertionResult Has(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "'" << text.substr(0, 500) << "' has no '" << part << "'";
}

class WorkbookTest : public testing::Test {
 protected:
  std::string path() const { return folder_ / "a.xlsx"; }

  std::shared_ptr<Workbook> Open(const Parts& parts) {
    WriteZip(path(), parts);
    return Workbook::Open(path()).ValueOrDie();
  }

  // Why a workbook of these parts, or of what was written to path(), cannot be opened.
  std::string OpenFailure(const Parts& parts = {}) {
    if (!parts.empty()) WriteZip(path(), parts);
    const auto status = Workbook::Open(path()).status();
    EXPECT_EQ(data::KindOf(status), data::ErrorKind::kData) << status;
    EXPECT_TRUE(Has(status.message(), "'" + path() + "': "));
    return status.message();
  }

  // The rows of a sheet, or why there are none.
  std::string Rows(const Workbook& workbook, int sheet = 0) const {
    auto reader = workbook.OpenSheet(sheet);
    return reader.ok() ? RowsOf(**reader) : reader.status().message() + "\n";
  }

  static Parts Without(Parts parts, const std::string& name) {
    std::erase_if(parts, [&](const auto& part) { return part.first == name; });
    return parts;
  }
  static Parts With(Parts parts, const std::string& name, const std::string& content) {
    parts = Without(std::move(parts), name);
    parts.emplace_back(name, content);
    return parts;
  }

  TemporaryFolder folder_;
};

const char kOneCell[] = "<row r=\"1\"><c r=\"A1\"><v>1</v></c></row>";

TEST_F(WorkbookTest, RefusesWhatIsNoFile) {
  const auto status = Workbook::Open(folder_ / "none.xlsx").status();
  EXPECT_TRUE(status.IsIOError()) << status;
  EXPECT_TRUE(Has(status.message(), "none.xlsx': it cannot be opened: No such file or directory"));
  const auto folder = Workbook::Open(folder_ / "").status();
  EXPECT_TRUE(folder.IsIOError()) << folder;
  EXPECT_TRUE(Has(folder.message(), "it is no file"));
}

TEST_F(WorkbookTest, RefusesWhatIsNoWorkbook) {
  WriteBytes(path(), "");
  EXPECT_TRUE(Has(OpenFailure(), "no whole zip file"));
  WriteBytes(path(), "Dates,Type,Price,Size\n");
  EXPECT_TRUE(Has(OpenFailure(), "no whole zip file"));
  WriteBytes(path(), "\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1" + std::string(1000, '\0'));
  EXPECT_TRUE(Has(OpenFailure(), "an old .xls workbook, or one with a password"));
  EXPECT_TRUE(Has(OpenFailure({{"a.csv", "1"}}), "no workbook: part 'xl/workbook.xml' is missing"));
  EXPECT_TRUE(Has(OpenFailure({{"_rels/.rels", RelationshipsOf({{"1", "officeDocument", "xl/workbook.bin"}})},
                               {"xl/workbook.bin", "1"}}),
                  "a binary workbook (.xlsb)"));
  EXPECT_TRUE(Has(OpenFailure({{"xl/workbook.xml", "<html/>"}}), "begins with <html>"));
  EXPECT_TRUE(Has(OpenFailure({{"xl/workbook.xml", "<workbook"}}), "part 'xl/workbook.xml' is no XML"));
  EXPECT_TRUE(Has(OpenFailure({{"xl/workbook.xml", "<!DOCTYPE a [<!ENTITY b \"c\">]><workbook>&b;</workbook>"}}),
                  "a document type"));
}

TEST_F(WorkbookTest, RefusesAPassword) {
  WriteZip(path(), PartsOf(SheetOf("")), ZIP_CM_DEFLATE, "secret");
  EXPECT_TRUE(Has(OpenFailure(), "is encrypted. Save it without a password."));
}

TEST_F(WorkbookTest, RefusesPartsThatContradictEachOther) {
  const Parts parts = PartsOf(SheetOf(kOneCell));
  EXPECT_TRUE(Has(OpenFailure(Without(parts, "xl/_rels/workbook.xml.rels")), "sheet 'S' with relationship 'rId1'"));
  EXPECT_TRUE(Has(OpenFailure(With(parts, "xl/workbook.xml", WorkbookOf({{"S", "rId2"}}))), "relationship 'rId2'"));
  EXPECT_TRUE(Has(
      OpenFailure(With(parts, "xl/_rels/workbook.xml.rels", "<Relationships><Relationship Id=\"1\"/></Relationships>")),
      "no Id, Type or Target"));
  EXPECT_TRUE(
      Has(OpenFailure(With(parts, "xl/workbook.xml", "<workbook><sheets><sheet name=\"a\"/></sheets></workbook>")),
          "a sheet has no name or no relationship"));
}

TEST_F(WorkbookTest, RefusesAFileThatWasReplaced) {
  const auto workbook = Open(PartsOf(SheetOf(kOneCell)));
  EXPECT_EQ(Rows(*workbook), "1: A=n:1\n");
  WriteZip(path(), PartsOf(SheetOf("<row r=\"2\"/>")));
  EXPECT_TRUE(Has(Rows(*workbook), "sheet 'S': the file was changed after it was opened. Open it again."));
}

TEST_F(WorkbookTest, BoundsWhatItHolds) {
  const Parts parts = PartsOf(SheetOf(kOneCell));
  EXPECT_TRUE(Has(OpenFailure(With(parts, "xl/workbook.xml", "<workbook a=\"" + std::string(2 << 20, 'a') + "\"/>")),
                  "part 'xl/workbook.xml' has a tag longer than 1 MiB"));
  const std::string comment = "<!--" + std::string((512 << 10) - 7, 'c') + "-->";
  std::string comments = "<workbook>";
  for (int half_mebibyte = 0; half_mebibyte < 130; ++half_mebibyte) comments += comment;
  EXPECT_TRUE(Has(OpenFailure(With(parts, "xl/workbook.xml", comments)), "is longer than 64 MiB"));
}

TEST_F(WorkbookTest, RefusesASheetAlone) {
  const auto workbook =
      Open({{"xl/workbook.xml", WorkbookOf({{"A", "1"}, {"B", "2"}, {"C", "3"}})},
            {"xl/_rels/workbook.xml.rels",
             RelationshipsOf({{"1", "worksheet", "a.xml"}, {"2", "worksheet", "b.xml"}, {"3", "worksheet", "c.xml"}})},
            {"xl/a.xml", "<worksheet"},
            {"xl/c.xml", SheetOf(kOneCell)}});
  EXPECT_TRUE(Has(Rows(*workbook, 0), "'" + path() + "', sheet 'A': it ends in the middle"));
  EXPECT_TRUE(Has(Rows(*workbook, 1), "'" + path() + "', sheet 'B': its part 'xl/b.xml' is missing"));
  EXPECT_EQ(Rows(*workbook, 2), "1: A=n:1\n");
  for (const int index : {-1, 3}) {
    const auto status = workbook->OpenSheet(index).status();
    EXPECT_EQ(data::KindOf(status), data::ErrorKind::kOption) << status;
    EXPECT_TRUE(Has(status.message(), "has 3 sheets, and none of index " + std::to_string(index)));
  }
}

// Whichever byte of the file is another one: an error, or the same rows (there are bytes that mean nothing). Damage of
// the data itself is always found.
TEST_F(WorkbookTest, FindsDamage) {
  std::string rows;
  for (int row = 1; row <= 20; ++row) {
    rows += "<row r=\"" + std::to_string(row) + "\"><c><v>" + std::to_string(row * 7919 % 1000) + "</v></c></row>";
  }
  for (const zip_int32_t compression : {ZIP_CM_DEFLATE, ZIP_CM_STORE}) {
    WriteZip(path(), PartsOf(SheetOf(rows)), compression);
    const std::string whole = BytesOf(path());
    const std::string expected = Rows(*Workbook::Open(path()).ValueOrDie());
    ASSERT_EQ(std::ranges::count(expected, '\n'), 20);
    int found = 0;
    for (std::size_t at = 0; at < whole.size(); at += 5) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x15);
      WriteBytes(path(), damaged);
      const auto workbook = Workbook::Open(path());
      if (!workbook.ok() || (*workbook)->sheets().size() != 1 || !(*workbook)->OpenSheet(0).ok()) {
        ++found;
        continue;
      }
      const std::string read = Rows(**workbook);
      if (read == expected) continue;
      ++found;
      ASSERT_TRUE(Has(read, path())) << at;  // An error ends it; the rows before may be anything.
    }
    EXPECT_GT(found, static_cast<int>(whole.size() / 5 / 4));
    for (std::size_t bytes = 0; bytes < whole.size(); bytes += 17) {
      WriteBytes(path(), whole.substr(0, bytes));
      EXPECT_FALSE(Workbook::Open(path()).ok()) << bytes;
    }
  }
}

TEST_F(WorkbookTest, RefusesDamagedSharedTexts) {
  Parts parts =
      With(PartsOf(SheetOf("<row><c t=\"s\"><v>1</v></c></row>")), "xl/_rels/workbook.xml.rels",
           RelationshipsOf({{"rId1", "worksheet", "worksheets/sheet1.xml"}, {"rId2", "sharedStrings", "s.xml"}}));
  EXPECT_TRUE(Has(Rows(*Open(parts)), "sheet 'S': its part 'xl/s.xml' is missing"));
  EXPECT_TRUE(Has(Rows(*Open(With(parts, "xl/s.xml", "<sst><si>"))), "sheet 'S': its part 'xl/s.xml' is no XML"));
  EXPECT_TRUE(Has(Rows(*Open(With(parts, "xl/s.xml", "<a/>"))), "begins with <a>, not with <sst>"));
  EXPECT_TRUE(Has(Rows(*Open(With(parts, "xl/s.xml", "<sst><si><t>a</t></si></sst>"))),
                  "refers to shared text 1, but the workbook has 1"));
}

TEST_F(WorkbookTest, FindsItsSheets) {
  const auto workbook = Open(
      {{"_rels/.rels",
        RelationshipsOf({{"a", "extended-properties", "docProps/app.xml"}, {"b", "officeDocument", "/x/book.xml"}})},
       {"x/book.xml",
        WorkbookOf({{"Last &amp; first", "r9"}, {"Chart", "r1"}, {"Absolute", "r2"}, {"Up", "r3"}, {"Case", "r4"}})},
       {"x/_rels/book.xml.rels", RelationshipsOf({{"r1", "chartsheet", "c.xml"},
                                                  {"r2", "worksheet", "/y/./two.xml"},
                                                  {"r3", "worksheet", "../y/../y/three.xml"},
                                                  {"r4", "worksheet", "FOUR.xml"},
                                                  {"r9", "worksheet", "one.xml"}})},
       {"x/four.xml", SheetOf("<row><c><v>4</v></c></row>")},
       {"y/three.xml", SheetOf("<row><c><v>3</v></c></row>")},
       {"y/two.xml", SheetOf("<row><c><v>2</v></c></row>")},
       {"x/one.xml", SheetOf(kOneCell)}});
  EXPECT_EQ(workbook->sheets(), (std::vector<std::string>{"Last & first", "Absolute", "Up", "Case"}));
  for (int sheet = 0; sheet < 4; ++sheet) {
    EXPECT_EQ(Rows(*workbook, sheet), "1: A=n:" + std::to_string(sheet + 1) + "\n");
  }
  EXPECT_FALSE(workbook->date1904());
  EXPECT_TRUE(Open({{"xl/workbook.xml", WorkbookOf({})}})->sheets().empty());
}

TEST_F(WorkbookTest, KnowsItsDateSystem) {
  const auto date1904 = [this](const std::string& properties) {
    return Open({{"xl/workbook.xml", WorkbookOf({}, properties)}})->date1904();
  };
  EXPECT_TRUE(date1904("date1904=\"1\""));
  EXPECT_TRUE(date1904("date1904='true'"));
  EXPECT_FALSE(date1904("date1904=\"0\""));
  EXPECT_FALSE(date1904("date1904=\"false\""));
}

TEST_F(WorkbookTest, ReadsSharedTexts) {
  const auto workbook = Open(
      {{"xl/workbook.xml", WorkbookOf({{"S", "1"}})},
       {"xl/_rels/workbook.xml.rels", RelationshipsOf({{"1", "worksheet", "a.xml"}, {"2", "sharedStrings", "s.xml"}})},
       {"xl/a.xml", SheetOf("<row><c t=\"s\"><v>0</v></c><c t=\"s\"><v>1</v></c><c t=\"s\"><v>2</v></c>"
                            "<c t=\"s\"><v>3</v></c><c t=\"s\"><v>0</v></c></row>")},
       {"xl/s.xml",
        "<x:sst xmlns:x=\"" + std::string(kSheetNamespace) +
            "\"><x:si><x:t>bid &lt;</x:t></x:si><x:si><x:r><x:rPr><x:b/></x:rPr><x:t>tr</x:t></x:r><x:r><x:t "
            "xml:space=\"preserve\">ade </x:t></x:r><x:rPh sb=\"0\"><x:t>no</x:t></x:rPh><x:phoneticPr/>\n</x:si>"
            "<x:si/><x:si><x:t>_x0041_\r\n\xC3\xA4</x:t></x:si></x:sst>"}});
  EXPECT_EQ(Rows(*workbook), "1: A=t:bid < B=t:trade  D=t:A\n\xC3\xA4 E=t:bid <\n");
}

TEST_F(WorkbookTest, IsReadByThreadsAtOnce) {
  Parts parts = {{"xl/s.xml", "<sst>"}};
  std::vector<std::pair<std::string, std::string>> sheets;
  std::vector<std::vector<std::string>> relationships = {{"s", "sharedStrings", "s.xml"}};
  for (int text = 0; text < 1000; ++text) parts[0].second += "<si><t>text " + std::to_string(text) + "</t></si>";
  parts[0].second += "</sst>";
  std::string rows;
  std::string expected;
  for (int row = 0; row < 1000; ++row) {
    rows += "<row><c t=\"s\"><v>" + std::to_string(row) + "</v></c></row>";
    expected += std::to_string(row + 1) + ": A=t:text " + std::to_string(row) + "\n";
  }
  for (int sheet = 0; sheet < 8; ++sheet) {
    const std::string name = std::to_string(sheet);
    sheets.emplace_back(name, "r" + name);
    relationships.push_back({"r" + name, "worksheet", name + ".xml"});
    parts.emplace_back("xl/" + name + ".xml", SheetOf(rows));
  }
  parts.emplace_back("xl/workbook.xml", WorkbookOf(sheets));
  parts.emplace_back("xl/_rels/workbook.xml.rels", RelationshipsOf(relationships));
  const auto workbook = Open(parts);
  std::vector<std::string> read(8);
  std::vector<std::thread> threads;
  for (int sheet = 0; sheet < 8; ++sheet) {
    threads.emplace_back([&, sheet] { read[static_cast<std::size_t>(sheet)] = Rows(*workbook, sheet); });
  }
  for (auto& thread : threads) thread.join();
  for (const std::string& one : read) EXPECT_EQ(one, expected);
}

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kDay = 86'400 * kSecond;

TEST(SerialToNanoseconds, RefusesWhatIsNoDate) {
  for (const bool date1904 : {false, true}) {
    for (const double serial : {-1.0, -1e-9, 2958466.0, 1e300, std::numeric_limits<double>::infinity(),
                                std::numeric_limits<double>::quiet_NaN()}) {
      EXPECT_EQ(SerialToNanoseconds(serial, date1904), std::nullopt) << serial;
    }
  }
  EXPECT_EQ(SerialToNanoseconds(60, false), std::nullopt);  // 29 February 1900.
  EXPECT_EQ(SerialToNanoseconds(60.5, false), std::nullopt);
  EXPECT_EQ(SerialToNanoseconds(132'325, false), std::nullopt);  // 16 April 2262.
}

// Days from date(1).toordinal() of Python.
TEST(SerialToNanoseconds, KnowsBothDateSystems) {
  EXPECT_EQ(SerialToNanoseconds(0, false), -25'568 * kDay);   // 1899-12-31
  EXPECT_EQ(SerialToNanoseconds(1, false), -25'567 * kDay);   // 1900-01-01
  EXPECT_EQ(SerialToNanoseconds(59, false), -25'509 * kDay);  // 1900-02-28
  EXPECT_EQ(SerialToNanoseconds(61, false), -25'508 * kDay);  // 1900-03-01
  EXPECT_EQ(SerialToNanoseconds(25'569, false), 0);
  EXPECT_EQ(SerialToNanoseconds(45'512, false), 19'943 * kDay);  // 2024-08-08
  EXPECT_EQ(SerialToNanoseconds(0, true), -24'107 * kDay);       // 1904-01-01
  EXPECT_EQ(SerialToNanoseconds(60, true), -24'047 * kDay);
  EXPECT_EQ(SerialToNanoseconds(44'050, true), 19'943 * kDay);
}

TEST(SerialToNanoseconds, FindsTheMicrosecond) {
  EXPECT_EQ(SerialToNanoseconds(45512.5, false), 19'943 * kDay + kDay / 2);
  // Written by openpyxl for 23:54:14.087 and by XlsxWriter, with 16 digits, for 09:30:00.345.
  EXPECT_EQ(SerialToNanoseconds(45512.99599637731, false), 19'943 * kDay + 86'054'087'000'000);
  EXPECT_EQ(SerialToNanoseconds(45512.39583732639, false), 19'943 * kDay + 34'200'345'000'000);
  for (int64_t microsecond = 0; microsecond < 86'400'000'000; microsecond += 9'999'991) {
    const double serial = 45512 + static_cast<double>(microsecond) / 86'400e6;
    const int64_t expected = 19'943 * kDay + microsecond * 1000;
    const int64_t off = std::abs(SerialToNanoseconds(serial, false).value_or(0) - expected);
    const bool beside_a_millisecond = (microsecond + 1) % 1000 <= 2;
    EXPECT_LE(off, beside_a_millisecond ? 1000 : 0) << microsecond;
  }
}

TEST(SerialToNanoseconds, KeepsWholeMillisecondsThatWereWrittenWithSixteenDigits) {
  for (int64_t millisecond = 0; millisecond < 86'400'000; millisecond += 997) {
    char text[32];
    std::snprintf(text, sizeof text, "%.16G", 46083 + static_cast<double>(millisecond) / 86'400e3);
    EXPECT_EQ(SerialToNanoseconds(std::stod(text), false), 20'514 * kDay + millisecond * 1'000'000) << text;
  }
}

}  // namespace
}  // namespace sabot::connectors
