// Makes text of strangers (tensor names, keys, paths) fit for a message: one line, valid UTF-8, no control characters
// (terminals obey them), bounded length. Nothing else about strings lives here.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace moebius::internal {

// Control characters and bytes that are not UTF-8 become \xNN. A text that is longer than max_bytes loses its middle.
std::string printable(std::string_view text, size_t max_bytes);

// printable() between double quotes, short enough for a sentence.
std::string in_quotes(std::string_view text);

// Returns the bytes of the UTF-8 character that begins at text[at], or 0 when none does (overlong, surrogate, cut off,
// > U+10FFFF).
size_t utf8_length(std::string_view text, size_t at);

}  // namespace moebius::internal
