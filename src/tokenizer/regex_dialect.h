// Patterns in a tokenizer.json are written for Oniguruma; PCRE2 runs them here. This file translates what the two read
// differently, and refuses what has no translation. Where both agree, the pattern passes as it is.
#pragma once

#include <string>
#include <string_view>

namespace moebius::internal {

// \s becomes the White_Space characters, because PCRE2 adds U+180E. \p{L}, \p{M} and \p{N} gain the letters, marks and
// numbers assigned since PCRE2's Unicode 14. Other properties (\p{Lu}) stay those of PCRE2: code points assigned since
// Unicode 14 have none of them. Throws kBadTokenizer naming what is not supported. The pattern must be valid UTF-8.
std::string pattern_for_pcre2(std::string_view pattern, const std::string& where);

}  // namespace moebius::internal
