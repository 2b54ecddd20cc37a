// The rows of a sheet as expat sees it: slow, lenient, and another program than the reader of sheets.
#pragma once

#include <optional>
#include <string>

namespace sabot::connectors {

// As RowsOf of tests/connectors/sheet_text.h; nothing, if expat does not take it for XML.
std::optional<std::string> PlainRowsOf(const std::string& xml);

}  // namespace sabot::connectors
