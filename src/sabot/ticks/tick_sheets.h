// Which security a sheet of a tick workbook holds.
#pragma once

#include <string>
#include <vector>

namespace sabot::ticks {

// One or more sheets of a workbook, in its order: a security with more ticks than a sheet has rows goes on in the next.
struct SecuritySheets {
  std::string security;
  std::string name;  // Of the first sheet, in lower case: adnocgas uh equity.
  std::vector<int> sheets;  // Positions in the workbook.
  std::string clash;  // Another sheet has the same security: why this one is not converted. Else empty.
};

// "ADNOCGAS UH Equity" is ADNOCGAS: what stands before a code of two letters and `Equity`. A name of another shape is
// the security itself. A sheet goes on with another one where its name is the other's with "2", "(2)" or "_2" (or a
// higher number) behind it; of a ticker also without the other.
std::vector<SecuritySheets> SecuritiesOf(const std::vector<std::string>& sheets);

}  // namespace sabot::ticks
