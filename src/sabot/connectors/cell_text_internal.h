// What stands in the attributes and values of a sheet's cells.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sabot::connectors::internal {

inline constexpr int64_t kSheetRowsMax = 1'048'576;
inline constexpr int32_t kSheetColumnsMax = 16'384;

// Without the white space of XML at both ends.
std::string_view Trimmed(std::string_view text);

// The number that `text` is as a whole: digits only, at most `max`.
std::optional<int64_t> WholeNumber(std::string_view text, int64_t max);

struct CellReference {
  int32_t column = 0;  // From 0.
  int64_t row = 0;     // From 1.
};

// B7 is {1, 7}.
std::optional<CellReference> ParseCellReference(std::string_view text);

// False: it is none, or larger than a double.
bool ParseCellNumber(std::string_view text, double* number);

}  // namespace sabot::connectors::internal
