// Words that the parts of Stream share.
#pragma once

#include <arrow/type.h>

#include <string>
#include <vector>

namespace sabot::engine::internal {

std::string Joined(const std::vector<std::string>& names);  // "symbol, venue"

// What makes two schemas differ, in words; metadata does not count.
std::string Difference(const arrow::Schema& wanted, const arrow::Schema& found);

}  // namespace sabot::engine::internal
