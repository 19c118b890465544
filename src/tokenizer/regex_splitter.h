// Splitting by any regular expression: PCRE2, compiled to machine code, behind limits on steps, memory and depth. Text
// is checked to be UTF-8 once, by the caller: with PCRE2's own check each match validates the rest of the text again,
// which is quadratic.
#pragma once

#include <memory>
#include <string>

#include "tokenizer/splitter.h"

namespace moebius::internal {

// Throws kBadTokenizer, see make_splitter.
std::unique_ptr<const Splitter> make_regex_splitter(const std::string& pattern, const std::string& where);

}  // namespace moebius::internal
