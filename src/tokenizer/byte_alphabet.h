// The alphabet in which a tokenizer.json spells bytes: printable bytes stand for themselves, the other 68 for U+0100
// and up, in byte order. Files hold this spelling; everything behind the parser holds bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace moebius::internal {

// The bytes that a token of the file spells; nothing when it holds a character outside the alphabet. The text is valid
// UTF-8.
std::optional<std::string> bytes_of_spelling(std::string_view spelling);

// The other way round, for messages.
std::string spelling_of_bytes(std::string_view bytes);

}  // namespace moebius::internal
