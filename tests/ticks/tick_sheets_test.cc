#include "sabot/ticks/tick_sheets.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sabot::ticks {
namespace {

// "ADNOCGAS: 0 2; X: 1"
std::string Of(const std::vector<std::string>& sheets) {
  std::string text;
  for (const auto& found : SecuritiesOf(sheets)) {
    text += (text.empty() ? "" : "; ") + found.security + ":";
    for (const int sheet : found.sheets) text += " " + std::to_string(sheet);
    if (!found.clash.empty()) text += " clash";
  }
  return text;
}

TEST(TickSheets, TwoTickersOfOneSecurityClash) {
  EXPECT_EQ(Of({"EMAAR DH Equity", "emaar UH Equity", "EMAAR"}), "EMAAR: 0; emaar: 1 clash; EMAAR: 2 clash");
  EXPECT_EQ(
      SecuritiesOf({"EMAAR DH Equity", "EMAAR UH Equity"})[1].clash,
      "its security EMAAR is that of sheet 'EMAAR DH Equity', too. Rename one of them, or convert it from a workbook "
      "of its own");
}

TEST(TickSheets, ANameOfAnotherShapeIsTheSecurity) {
  EXPECT_EQ(Of({"Sheet1", "UH Equity", "A U1 Equity", "A UHX Equity", "A UH Index", "AUH Equity"}),
            "Sheet1: 0; UH Equity: 1; A U1 Equity: 2; A UHX Equity: 3; A UH Index: 4; AUH Equity: 5");
  EXPECT_EQ(Of({"EURUSD 2", "EURUSD_1", "Q (2)", "EURUSD 02"}), "EURUSD 2: 0; EURUSD_1: 1; Q (2): 2; EURUSD 02: 3");
}

TEST(TickSheets, ATickerNamesItsSecurity) {
  EXPECT_EQ(Of({"ADNOCGAS UH Equity", "EMAAR DH equity", " BRK B US Equity "}), "ADNOCGAS: 0; EMAAR: 1; BRK B: 2");
}

TEST(TickSheets, ASecurityGoesOnInTheOrderOfTheWorkbook) {
  EXPECT_EQ(Of({"A UH Equity (3)", "B UH Equity", "A UH Equity", "a uh equity_2", "A UH Equity 4", "B UH Equity (2)"}),
            "A: 0 2 3 4; B: 1 5");
  EXPECT_EQ(Of({"EURUSD", "EURUSD 2", "EURUSD (3)", "EURUSD_10", "EURUSD_2"}), "EURUSD: 0 1 2 3 4");
  EXPECT_EQ(Of({"A UH Equity 2"}), "A: 0");
  EXPECT_EQ(Of({}), "");
}

}  // namespace
}  // namespace sabot::ticks
