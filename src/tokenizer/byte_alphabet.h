// The alphabet in which a tokenizer.json spells bytes. A printable byte is spelled as itself; the other 68 are spelled
// as U+0100 and up, in byte order. Files hold this spelling. All code behind the parser holds bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace moebius::internal {

// Returns the bytes that a token of the file spells, or nothing when it holds a character outside the alphabet. The
// spelling must be valid UTF-8.
std::optional<std::string> bytes_of_spelling(std::string_view spelling);

// Returns the spelling of bytes, for messages.
std::string spelling_of_bytes(std::string_view bytes);

}  // namespace moebius::internal
