// Sheets with seeded damage: what is read of them is what expat sees, or an error, however the bytes come.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/connectors/sheet_text.h"
#include "tests/fuzz/plain_sheet.h"

namespace sabot::connectors {
namespace {

std::vector<std::string> Corpus() {
  const std::string main(kSheetNamespace);
  return {
      "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n<worksheet xmlns=\"" + main +
          "\" xmlns:r=\"urn:r\"><dimension ref=\"A1:D3\"/><sheetViews><sheetView workbookViewId=\"0\"/>"
          "</sheetViews><sheetData>"
          "<row r=\"1\" spans=\"1:4\"><c r=\"A1\" s=\"1\"><v>45512.99599637731</v></c>"
          "<c r=\"B1\" t=\"inlineStr\"><is><t>BID</t></is></c>"
          "<c r=\"C1\"><v>100.85</v></c><c r=\"D1\"><v>4136</v></c></row><row r=\"2\"><c r=\"A2\"/><c r=\"D2\">"
          "<v>1</v></c></row>"
          "</sheetData><pageMargins left=\"0.7\"/></worksheet>",
      SheetOf("<row><c><v>1</v></c><c t=\"b\"><v>0</v></c></row><row r=\"4\"/><row r='6'><c t='e'><v>#N/A</v></c>"
              "<c t=\"str\">"
              "<f>A1&amp;\"x\"</f><v>a&#x41;&lt;</v></c><c r=\"AA6\" t=\"d\"><v>2024-08-08</v></c></row>"),
      SheetOf("<row r=\"3\"><c r=\"B3\" t=\"inlineStr\"><is><r><rPr><b/></rPr><t>tr</t></r><r>"
              "<t xml:space=\"preserve\"> ade</t></r>"
              "<rPh sb=\"0\" eb=\"1\"><t>x</t></rPh></is></c><c t=\"str\"><v><![CDATA[<a>]]>b</v></c><extLst>"
              "<ext uri=\"u\"/></extLst></row>"),
      "<x:worksheet xmlns:x=\"" + main +
          "\"><!-- c --><x:sheetData><?p i?><x:row x:r=\"9\" r=\"2\"><x:c r=\"C2\"><x:v>-1E-05</x:v></x:c>"
          "</x:row>\n</x:sheetData>"
          "<y:e xmlns:y=\"urn:y\"><y:row/></y:e></x:worksheet>\n",
      SheetOf("<row r=\"1\"><c r=\"A1\" t=\"str\"><v>\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\r\n.</v></c></row>"
              "<row r=\"1048576\"><c r=\"XFD1048576\"><v>7</v></c></row>"),
  };
}

std::vector<std::string> Split(std::string_view words) {
  std::vector<std::string> all;
  for (std::size_t at = 0; at < words.size();) {
    const std::size_t end = std::min(words.find('|', at), words.size());
    all.emplace_back(words.substr(at, end - at));
    at = end + 1;
  }
  return all;
}

using namespace std::string_view_literals;  // One of the words is a NUL.

const std::vector<std::string> kWords = Split(
    "<c>|</c>|<c/>|<v>|</v>|<v/>|<row>|</row>|<row r=\"5\">|<is>|</is>|<t>|</t>|<r>|</r>|<f>|</f>|<extLst>|"
    "</sheetData>|<sheetData>|<sheetData/>|</worksheet>|<c r=\"B1\">| r=\"A1\"| r='7'| t=\"str\"|"
    " t=\"n\"| t=\"b\"| t=\"s\"| xmlns=\"\"| xmlns:x=\"urn:x\"|x:|&amp;|&#65;|&#x0;|&a;|&|<|>|\"|'|=|/|"
    "<!--|-->|--|<![CDATA[|]]>|]]|<?|?>|<?xml version=\"1.0\"?>|<!DOCTYPE a>|\r|\n|\t| |1|e5|-|.|\xC3|"
    "\xA4|\xEF\xBF\xBF|\xED\xA0\x80|\0|\x01"sv);

// What may stand behind a tag, here or there.
const std::vector<std::string> kSnippets = Split(
    "<!-- - -->|<?p ?>| |\n|\r|&#10;|7|<![CDATA[8]]>|<c><v>1</v></c>|<c t=\"str\"><v>a</v></c>|"
    "<c t=\"inlineStr\"><is><t>b</t></is></c>|<row><c><v>2</v></c></row>|<row r=\"5\"/>|<t>d</t>|<r><t>e</t></r>|"
    "<f>1</f>|<extLst><a><b/></a></extLst>|<rPh/>|<cols><c/></cols>"sv);

class Damage {
 public:
  explicit Damage(uint64_t seed) : random_(seed) {}

  std::size_t Below(std::size_t bound) { return random_() % bound; }

  void Do(std::string* text) {
    const std::size_t at = Below(text->size() + 1);
    const std::size_t bytes = 1 + Below(Below(8) == 0 ? 60 : 4);
    switch (Below(10)) {
      case 0:
        if (at < text->size()) (*text)[at] = static_cast<char>((*text)[at] ^ (1 << Below(8)));
        return;
      case 1:
        text->erase(at, bytes);
        return;
      case 2:
        text->insert(at, text->substr(at, bytes));
        return;
      case 3:
        text->insert(Below(text->size() + 1), text->substr(at, bytes));
        return;
      case 4:
        text->replace(at, std::min(bytes, text->size() - at), kWords[Below(kWords.size())]);
        return;
      case 5:
        text->insert(at, kWords[Below(kWords.size())]);
        return;
      case 6: {
        const std::size_t digit = text->find_first_of("0123456789", at);
        if (digit != std::string::npos) (*text)[digit] = static_cast<char>('0' + Below(10));
        return;
      }
      default: {
        const std::size_t tag = text->find('>', at);
        if (tag != std::string::npos) text->insert(tag + 1, kSnippets[Below(kSnippets.size())]);
      }
    }
  }

 private:
  std::mt19937_64 random_;
};

int64_t Rounds() {
  const char* const rounds = std::getenv("SABOT_FUZZ_ROUNDS");
  return rounds == nullptr ? 20'000 : std::atoll(rounds);
}

TEST(SheetFuzz, ReadsWhatExpatSeesOrFails) {
  const std::vector<std::string> corpus = Corpus();
  for (const std::string& sheet : corpus) ASSERT_EQ(RowsOf(sheet), PlainRowsOf(sheet)) << sheet;
  int64_t read = 0;
  int64_t changed = 0;
  const int64_t rounds = Rounds();
  for (int64_t round = 0; round < rounds; ++round) {
    Damage damage(static_cast<uint64_t>(round));
    const std::string& good = corpus[damage.Below(corpus.size())];
    std::string sheet = good;
    for (std::size_t times = 1 + damage.Below(3); times > 0; --times) damage.Do(&sheet);
    const std::string rows = RowsOf(sheet);
    ASSERT_EQ(RowsOf(sheet, 3 + static_cast<int64_t>(damage.Below(40))), rows) << "round " << round << ":\n" << sheet;
    if (rows.find("a.xlsx") != std::string::npos) continue;  // An error.
    ASSERT_EQ(PlainRowsOf(sheet), rows) << "round " << round << ":\n" << sheet;
    ++read;
    changed += rows != RowsOf(good) ? 1 : 0;
  }
  EXPECT_GT(read, rounds / 20);  // Else the damage would be too much to show anything,
  EXPECT_LT(read, rounds / 2);   // or too little.
  EXPECT_GT(changed, rounds / 100);
}

}  // namespace
}  // namespace sabot::connectors
