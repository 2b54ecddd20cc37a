// The characters of XML documents, and what stands for them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sabot::connectors::internal {

// How many bytes the character at `at`, of UTF-8, has: 0 if it is none that XML may have, more than are left if the
// text ends before it does.
int64_t XmlCharacterBytes(const unsigned char* at, const unsigned char* end);

// What stands between & and ;. No character: it says none.
std::optional<uint32_t> XmlReferenced(std::string_view reference);

void AppendUtf8(uint32_t code, std::string* to);

// Of text or an attribute's value that a scanner found, with line ends as \n; of CDATA without `references` resolved.
void AppendDecodedXml(std::string_view text, bool references, std::string* to);

}  // namespace sabot::connectors::internal
