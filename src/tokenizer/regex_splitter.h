// Splits by any regular expression. PCRE2 runs it, compiled to machine code, behind limits on steps, memory and depth.
// The caller checks once that the text is UTF-8. PCRE2's own check is switched off: with it, each match validates the
// rest of the text again, which is quadratic.
#pragma once

#include <memory>
#include <string>

#include "tokenizer/splitter.h"

namespace moebius::internal {

// Throws kBadTokenizer, see make_splitter.
std::unique_ptr<const Splitter> make_regex_splitter(const std::string& pattern, const std::string& where);

}  // namespace moebius::internal
