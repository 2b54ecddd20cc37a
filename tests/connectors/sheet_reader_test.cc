#include "sabot/connectors/sheet_reader_internal.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "sabot/data/errors.h"
#include "tests/connectors/sheet_text.h"

namespace sabot::connectors {
namespace {

testing::AssertionResult Has(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "'" << text.substr(0, 500) << "' has no '" << part << "'";
}

std::string Row(const std::string& cells) { return SheetOf("<row r=\"1\">" + cells + "</row>"); }

// What a sheet with these cells says before it fails, and that it goes on failing.
std::string Failure(const std::string& xml) {
  internal::XmlSheetReader reader("a.xlsx, sheet 'S'", nullptr, std::make_unique<TextPart>(xml), nullptr);
  SheetRow row;
  for (int rows = 0; rows < 100; ++rows) {
    const auto more = reader.Next(&row);
    if (more.ok() && !*more) return "none";
    if (more.ok()) continue;
    EXPECT_EQ(data::KindOf(more.status()), data::ErrorKind::kData);
    EXPECT_EQ(reader.Next(&row).status(), more.status());
    return more.status().message();
  }
  return "no end";
}

TEST(SheetReader, RefusesWhatIsNoWorksheet) {
  EXPECT_TRUE(Has(Failure(""), "ends in the middle"));
  EXPECT_TRUE(Has(Failure("  "), "ends in the middle"));
  EXPECT_TRUE(Has(Failure("Dates,Type"), "'Dates,Type' stands where none belongs"));
  EXPECT_TRUE(Has(Failure("<html></html>"), "begins with <html>, which is no worksheet"));
  EXPECT_TRUE(Has(Failure("<worksheet><sheetData/></worksheet>"), "which is no worksheet"));  // No namespace.
  EXPECT_TRUE(Has(Failure("<worksheet xmlns=\"urn:x\"><sheetData/></worksheet>"), "which is no worksheet"));
  EXPECT_TRUE(Has(Failure("<worksheet xmlns=\"" + std::string(kSheetNamespace) + "\"/>"), "no <sheetData>"));
  EXPECT_TRUE(Has(Failure(SheetOf("") + SheetOf("")), "a second document"));
  EXPECT_TRUE(Has(Failure(SheetOf("</sheetData><sheetData>")), "a second <sheetData>"));
  EXPECT_TRUE(Has(Failure("\xFF\xFE<\0w\0"), "UTF-16"));
  EXPECT_TRUE(Has(Failure("<?xml version=\"1.0\" encoding=\"UTF-16\"?>" + SheetOf("")), "XML 1.0 in UTF-8"));
  EXPECT_TRUE(Has(Failure("<?xml version=\"1.1\"?>" + SheetOf("")), "XML 1.0 in UTF-8"));
  EXPECT_TRUE(Has(Failure(" <?xml version=\"1.0\"?>" + SheetOf("")), "declaration stands within"));
}

TEST(SheetReader, RefusesADocumentType) {
  EXPECT_TRUE(Has(Failure("<!DOCTYPE w [<!ENTITY a \"aaaa\">]>" + SheetOf("")), "a document type"));
}

TEST(SheetReader, SaysWhereItFails) {
  EXPECT_EQ(Failure(SheetOf("<row r=\"4\"><c r=\"A4\"><v>1</v></c></row><row r=\"7\"><c r=\"A7\" t=\"q\"/></row>")),
            "none");  // A cell without a value is blank, whatever it says it is.
  EXPECT_EQ(Failure(SheetOf("<row r=\"4\"><c r=\"A4\"><v>1</v></c></row><row r=\"7\"><c t=\"q\"><v>1</v></c></row>")),
            "a.xlsx, sheet 'S', row 7: a cell is of type 'q', which is not known. It is damaged, or no program for "
            "workbooks wrote it.");
  EXPECT_TRUE(Has(Failure(SheetOf("<row r=\"4\"><c><v>1</v></c></row><row><c t=\"q\"><v>1</v></c></row>")),
                  "a.xlsx, sheet 'S', after row 4: a cell is of type"));
  EXPECT_TRUE(Has(Failure("<?xml?>"), "a.xlsx, sheet 'S': its XML declaration is '<?xml?>'"));
}

TEST(SheetReader, RefusesRowsThatContradictThemselves) {
  EXPECT_TRUE(Has(Failure(SheetOf("<row r=\"2\"/><row r=\"2\"/>")), "row 2 follows row 2"));
  EXPECT_TRUE(Has(Failure(SheetOf("<row r=\"3\"/><row r=\"2\"/>")), "row 2 follows row 3"));
  EXPECT_TRUE(Has(Failure(SheetOf("<row r=\"0\"/>")), "its number is '0'"));
  EXPECT_TRUE(Has(Failure(SheetOf("<row r=\"-1\"/>")), "its number is '-1'"));
  EXPECT_TRUE(Has(Failure(SheetOf("<row r=\"1048577\"/>")), "its number is '1048577'"));
  EXPECT_TRUE(Has(Failure(SheetOf("<row r=\"1048576\"/><row/>")), "row 1048577 follows row 1048576"));
  EXPECT_TRUE(Has(Failure(SheetOf("<row r=\"99999999999999999999\"/>")), "its number is"));
  EXPECT_TRUE(Has(Failure(Row("<c r=\"A2\"><v>1</v></c>")), "cell 'A2' stands in it"));
  EXPECT_TRUE(Has(Failure(SheetOf("<row><c r=\"A5\"/><c r=\"B6\"/></row>")), "row 5: cell 'B6' stands in it"));
  EXPECT_TRUE(Has(Failure(Row("<c r=\"A1\"><v>1</v></c><c r=\"A1\"><v>1</v></c>")), "column 1 stands twice"));
  for (const char* reference : {"", "A", "1", "A0", "1A", "A-1", "A1B", "$A$1", "R1C1", "XFE1", "A1048577",
                                "\xC3\x84"
                                "1"}) {
    EXPECT_TRUE(Has(Failure(Row("<c r=\"" + std::string(reference) + "\"/>")), "a cell says that it is")) << reference;
  }
  EXPECT_TRUE(Has(Failure(Row("<c r=\"XFD1\"/><c/>")), "more than 16384 columns"));
}

TEST(SheetReader, RefusesWhatIsNotKnownAmongTheCells) {
  EXPECT_TRUE(Has(Failure(SheetOf("<col/>")), "<col> stands among the rows"));
  EXPECT_TRUE(Has(Failure(SheetOf("text")), "text 'text' stands"));
  EXPECT_TRUE(Has(Failure(Row("text")), "beside its cells"));
  EXPECT_TRUE(Has(Failure(Row("<v>1</v>")), "<v> stands in a row"));
  EXPECT_TRUE(Has(Failure(Row("<y:c xmlns:y=\"urn:y\"><v>1</v></y:c>")), "<y:c> stands in a row"));
  EXPECT_TRUE(Has(Failure(Row("<c>1</c>")), "beside its value"));
  EXPECT_TRUE(Has(Failure(Row("<c><x>1</x></c>")), "<x> stands in a cell"));
  EXPECT_TRUE(Has(Failure(Row("<c><v>1</v><v>2</v></c>")), "<v> stands in a cell"));
  EXPECT_TRUE(Has(Failure(Row("<c><v>1<b/></v></c>")), "<b> stands in a value"));
  EXPECT_TRUE(Has(Failure(Row("<c t=\"inlineStr\"><is>x</is></c>")), "text 'x' stands where none belongs"));
  EXPECT_TRUE(Has(Failure(Row("<c t=\"inlineStr\"><is><b/></is></c>")), "<b> stands in a text"));
  EXPECT_TRUE(Has(Failure(Row("<c t=\"inlineStr\"><is><r><r/></r></is></c>")), "<r> stands in a text"));
  EXPECT_TRUE(Has(Failure(Row("<c t=\"s\"><v>0</v></c>")), "shared text 0, but the workbook has 0"));
  EXPECT_TRUE(Has(Failure(Row("<c t=\"s\"><v>-1</v></c>")), "shared text '-1'"));
}

TEST(SheetReader, RefusesToMoveTheNamespace) {
  const std::string main(kSheetNamespace);
  EXPECT_TRUE(Has(Failure(SheetOf("<row xmlns=\"urn:x\"/>")), "changes its prefix in <row>"));
  EXPECT_TRUE(Has(Failure(SheetOf("<y:row xmlns:y=\"" + main + "\"/>")), "changes its prefix in <y:row>"));
  EXPECT_TRUE(Has(Failure(Row("<c xmlns=\"\"><v>1</v></c>")), "changes its prefix in <c>"));
  EXPECT_EQ(Failure(SheetOf("<row xmlns=\"" + main + "\"/>")), "none");
  EXPECT_EQ(Failure(SheetOf("<row xmlns:y=\"urn:y\" y:r=\"q\"/>")), "none");
}

TEST(SheetReader, RefusesBadXml) {
  for (const char* cells : {"<c",
                            "<c r=\"A1\"",
                            "<c r=A1/>",
                            "<c r='A1\"/>",
                            "<c r=\"A1\"r2=\"\"/>",
                            "<c r \"A1\"/>",
                            "<c r/>",
                            "<c r=\"<\"/>",
                            "<c/ >",
                            "< c/>",
                            "<1/>",
                            "<c t=\"n\" t=\"n\"/>",
                            "<c r=\"&bad;\"/>",
                            "<c r=\"&\"/>",
                            "<c></d>",
                            "<c></c",
                            "</c>",
                            "<c><v>&bad;</v></c>",
                            "<c><v>&#0;</v></c>",
                            "<c><v>&#xD800;</v></c>",
                            "<c><v>&#x110000;</v></c>",
                            "<c><v>&#-1;</v></c>",
                            "<c><v>&#X41;</v></c>",
                            "<c><v>& </v></c>",
                            "<c><v>]]></v></c>",
                            "<!-- -- --><c/>",
                            "<!-->",
                            "<?xml version=\"1.0\"?>",
                            "<? a?>",
                            "<?a!?>",
                            "<!ELEMENT a>",
                            "<![CDATA[",
                            "<c><v>\x01</v></c>",
                            "<c><v>\xC0\x80</v></c>",
                            "<c><v>\xED\xA0\x80</v></c>",
                            "<c><v>\xF5\x80\x80\x80</v></c>",
                            "<c><v>\xE2\x82</v></c>",
                            "<c><v>\x80</v></c>",
                            "<c><v>\xEF\xBF\xBF</v></c>"}) {
    EXPECT_TRUE(Has(RowsOf(Row(cells)), "a.xlsx")) << cells;
    for (const int64_t piece : {1, 2, 5}) EXPECT_EQ(RowsOf(Row(cells), piece), RowsOf(Row(cells))) << cells;
  }
  EXPECT_TRUE(Has(Failure(Row(std::string("<c><v>\0</v></c>", 15))), "byte 0x00 is no character"));
}

TEST(SheetReader, RefusesATruncatedSheetWherever) {
  const std::string whole =
      "<?xml version=\"1.0\"?>" + SheetOf(
                                      "<row r=\"1\"><c r=\"A1\" t=\"str\"><v>\xC3\xA4&amp;</v></c></row>"
                                      "<!-- a --><row r=\"2\"><c><v><![CDATA[2]]></v></c></row>");
  ASSERT_EQ(RowsOf(whole), "1: A=t:\xC3\xA4&\n2: A=n:2\n");
  for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
    EXPECT_TRUE(Has(RowsOf(whole.substr(0, bytes)), "a.xlsx")) << bytes;
  }
}

TEST(SheetReader, BoundsWhatItHolds) {
  EXPECT_TRUE(Has(Failure(Row("<c><v>" + std::string(17 << 20, '1') + "</v></c>")), "longer than 16 MiB"));
  EXPECT_TRUE(Has(Failure("<!--" + std::string(17 << 20, 'a')), "longer than 16 MiB"));
  std::string deep;
  for (int depth = 0; depth < 1000; ++depth) deep += "<a>";
  EXPECT_TRUE(Has(Failure(SheetOf("</sheetData>" + deep)), "nested deeper"));
  EXPECT_TRUE(Has(Failure(Row("<extLst>" + deep)), "nested deeper"));
  std::string tag = "<c";
  for (int attribute = 0; attribute < 1000; ++attribute) tag += " a" + std::to_string(attribute) + "=\"\"";
  EXPECT_TRUE(Has(Failure(Row(tag + "/>")), "too many attributes"));
}

TEST(SheetReader, LeavesBlanksOut) {
  EXPECT_EQ(RowsOf(SheetOf("")), "");
  EXPECT_EQ(RowsOf("<worksheet xmlns=\"" + std::string(kSheetNamespace) + "\"><sheetData/></worksheet>"), "");
  EXPECT_EQ(RowsOf(SheetOf("<row r=\"2\"/><row r=\"3\"></row><row><c/><c s=\"1\"></c><c><v/></c><c><v></v></c>"
                           "<c t=\"s\"/><c t=\"s\"><v> </v></c><c t=\"str\"><f>A1</f><v></v></c>"
                           "<c t=\"inlineStr\"><is/></c><c t=\"inlineStr\"><is><t/></is></c><c><v>1</v></c></row>")),
            "4: J=n:1\n");
}

TEST(SheetReader, CountsRowsAndCellsThatDoNotSayWhereTheyAre) {
  EXPECT_EQ(RowsOf(SheetOf("<row><c><v>1</v></c><c><v>2</v></c></row><row><c><v>3</v></c></row>"
                           "<row r=\"7\"><c><v>4</v></c><c r=\"D7\"><v>5</v></c><c><v>6</v></c></row>"
                           "<row><c><v>7</v></c></row><row><c r=\"AA20\"><v>8</v></c></row>")),
            "1: A=n:1 B=n:2\n2: A=n:3\n7: A=n:4 D=n:5 E=n:6\n8: A=n:7\n20: AA=n:8\n");
  EXPECT_EQ(RowsOf(Row("<c r=\"C1\"><v>3</v></c><c r=\"a1\"><v>1</v></c><c><v>2</v></c>")), "1: A=n:1 B=n:2 C=n:3\n");
  EXPECT_EQ(RowsOf(SheetOf("<row r=\"1048576\"><c r=\"XFD1048576\"><v>1</v></c></row>")), "1048576: XFD=n:1\n");
}

TEST(SheetReader, ReadsNumbers) {
  struct Case {
    const char* text;
    double number;
  };
  for (const auto& [text, number] : std::vector<Case>{{"0", 0},
                                                      {"-0", -0.0},
                                                      {"1.5", 1.5},
                                                      {"+1.5", 1.5},
                                                      {".5", 0.5},
                                                      {"5.", 5},
                                                      {"1E5", 1e5},
                                                      {"1e-05", 1e-5},
                                                      {"-2.5E+3", -2500},
                                                      {" 7\n", 7},
                                                      {"45512.99599637731", 45512.99599637731},
                                                      {"0.1000000000000000055511151231257827", 0.1},
                                                      {"9007199254740993", 9007199254740992.0},
                                                      {"4.9406564584124654E-324", 4.9406564584124654E-324},
                                                      {"1.7976931348623157E+308", 1.7976931348623157E+308}}) {
    for (const char* type : {"", " t=\"n\"", " t='&#110;'"}) {
      internal::XmlSheetReader reader(
          "a.xlsx", nullptr, std::make_unique<TextPart>(Row("<c" + std::string(type) + "><v>" + text + "</v></c>")),
          nullptr);
      SheetRow row;
      ASSERT_TRUE(reader.Next(&row).ValueOr(false)) << text;
      EXPECT_EQ(row.cells.at(0).kind, Cell::Kind::kNumber) << text;
      EXPECT_EQ(row.cells.at(0).number, number) << text;
      EXPECT_EQ(std::signbit(row.cells.at(0).number), std::signbit(number)) << text;
    }
  }
  for (const char* text :
       {"x", "1,5", "1 5", "inf", "-inf", "nan", "NaN", "0x10", "1e", "--1", "+-1", "+", "-", ".", "1e999"}) {
    EXPECT_EQ(RowsOf(Row("<c><v>" + std::string(text) + "</v></c>")), "1: A=e:" + std::string(text) + "\n");
  }
}

TEST(SheetReader, ReadsEveryKindOfCell) {
  EXPECT_EQ(RowsOf(Row("<c t=\"b\"><v>1</v></c><c t=\"b\"><v>0</v></c><c t=\"b\"><v>true</v></c><c t=\"b\"><v>2</v></c>"
                       "<c t=\"e\"><v>#N/A</v></c><c t=\"d\"><v>2024-08-08T09:30:00</v></c>")),
            "1: A=b:1 B=b:0 C=b:true D=e:2 E=e:#N/A F=d:2024-08-08T09:30:00\n");
  EXPECT_EQ(RowsOf(Row(
                "<c t=\"str\"><f>\"a\"&amp;\"b\"</f><v>ab</v></c><c><f/><v>2</v></c>"
                "<c><f t=\"shared\" ref=\"A1:A2\" si=\"0\">A1</f><v>3</v></c><c t=\"e\"><f>1/0</f><v>#DIV/0!</v></c>")),
            "1: A=t:ab B=n:2 C=n:3 D=e:#DIV/0!\n");
  EXPECT_EQ(
      RowsOf(Row(
          "<c t=\"inlineStr\"><is><t>bid</t></is></c><c t=\"inlineStr\"><is><t xml:space=\"preserve\"> a </t></is></c>"
          "<c t=\"inlineStr\"><is><r><rPr><b/></rPr><t>tr</t></r><r><t>a</t></r><r><t>de</t></r>"
          "<rPh sb=\"0\"><t>x</t></rPh>"
          "<phoneticPr fontId=\"1\"/></is></c><c><is><t>ask</t></is></c><c t=\"inlineStr\"><v>v</v></c>")),
      "1: A=t:bid B=t: a  C=t:trade D=t:ask E=t:v\n");
}

TEST(SheetReader, ResolvesReferencesAndLineEnds) {
  EXPECT_EQ(
      RowsOf(Row("<c t=\"str\"><v>&lt;&gt;&amp;&quot;&apos;&#65;&#x20AC;&#x1F600;</v></c>"
                 "<c t=\"str\"><v><![CDATA[<&amp;>]]>b<!-- c -->&amp;<?p d?>e</v></c><c t=\"str\"><v>a\r\nb\rc</v></c>"
                 "<c t=\"str\"><v><![CDATA[a\r\nb]]></v></c><c><v>1<!-- c -->2</v></c>")),
      "1: A=t:<>&\"'A\xE2\x82\xAC\xF0\x9F\x98\x80 B=t:<&amp;>b&e C=t:a\nb\nc D=t:a\nb E=n:12\n");
}

TEST(SheetReader, ResolvesTheEscapesOfExcel) {
  EXPECT_EQ(
      RowsOf(Row(
          "<c t=\"str\"><v>a_x0041__x000a_b</v></c><c t=\"str\"><v>_x005F_x0041_</v></c>"
          "<c t=\"inlineStr\"><is><t>_x20ac__xD83D__xDE00_</t></is></c><c t=\"str\"><v>_xD83D_ _x004 _xZZZZ_</v></c>")),
      "1: A=t:aA\nb B=t:_x0041_ C=t:\xE2\x82\xAC\xF0\x9F\x98\x80 D=t:_xD83D_ _x004 _xZZZZ_\n");
}

TEST(SheetReader, PassesOverTheRest) {
  const std::string main(kSheetNamespace);
  EXPECT_EQ(
      RowsOf("\xEF\xBB\xBF<?xml version='1.0' encoding='utf-8' standalone='yes' ?>\n<!-- a --><?p?>\n"
             "<x:worksheet xmlns:x='" +
             main +
             "' xmlns:y=\"urn:y\"><x:dimension ref=\"A1:D3\"/>"
             "<x:sheetViews><x:row r=\"1\"><x:c r=\"q\"/></x:row></x:sheetViews>"
             "<y:sheetData><y:row/></y:sheetData>\n<x:sheetData >\n <x:row y:r=\"9\" r='2' spans=\"1:2\"\n>"
             "<x:c\tr = 'B2' ><x:v >1</x:v ></x:c ><x:extLst><x:ext>t<a/></x:ext></x:extLst></x:row >\n</x:sheetData >"
             "<x:conditionalFormatting>t<x:cfRule/></x:conditionalFormatting></x:worksheet>\n<!-- z -->\n"),
      "2: B=n:1\n");
  EXPECT_EQ(RowsOf("<worksheet xmlns=\"http://purl.oclc.org/ooxml/spreadsheetml/main\" xmlns:x=\"" + main +
                   "\"><sheetData><x:row><c><v>1</v></c></x:row></sheetData></worksheet>"),
            "1: A=n:1\n");
}

TEST(SheetReader, ReadsTheSameInPiecesOfAnySize) {
  std::string rows;
  std::string expected;
  for (int row = 1; row <= 400; ++row) {
    const std::string number = std::to_string(row);
    rows += "<row r=\"" + number + "\"><c r=\"A" + number + "\"><v>" + number +
            ".25</v></c><c t=\"inlineStr\"><is><t>\xC3\xA4&amp;" + std::string(static_cast<std::size_t>(row), 'x') +
            "</t></is></c></row><!-- between -->";
    expected +=
        number + ": A=n:" + number + ".25 B=t:\xC3\xA4&" + std::string(static_cast<std::size_t>(row), 'x') + "\n";
  }
  for (const int64_t piece : {1, 2, 3, 7, 100, 4096, 1 << 20})
    EXPECT_EQ(RowsOf(SheetOf(rows), piece), expected) << piece;
  rows = "<row><c t=\"str\"><v>" + std::string(3 << 20, 'y') + "</v></c></row>";  // Longer than the buffer.
  EXPECT_EQ(RowsOf(SheetOf(rows), 100'000), "1: A=t:" + std::string(3 << 20, 'y') + "\n");
}

TEST(SheetReader, SaysHowMuchIsDone) {
  std::string rows;
  for (int row = 0; row < 100'000; ++row) rows += "<row><c><v>1</v></c></row>";
  internal::XmlSheetReader reader("a.xlsx", nullptr, std::make_unique<TextPart>(SheetOf(rows)), nullptr);
  SheetRow row;
  EXPECT_EQ(reader.done(), 0);
  double last = 0;
  int changes = 0;
  while (reader.Next(&row).ValueOrDie()) {
    EXPECT_GE(reader.done(), last);
    changes += reader.done() > last ? 1 : 0;
    last = reader.done();
  }
  EXPECT_GT(changes, 5);
  EXPECT_EQ(reader.done(), 1);
}

}  // namespace
}  // namespace sabot::connectors
