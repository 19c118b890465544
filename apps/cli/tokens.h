// Token ids as the command line takes them: --tokens 1,2,3 or --tokens @FILE with ids between commas or white space.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace moebius::internal::apps {

// At least one id, each in [0, 2^31). Throws kUsage naming the first word that is none, and what reading a file throws.
// Whether ids are in the vocabulary is the engine's to say.
std::vector<int32_t> parse_tokens(const std::string& text);

}  // namespace moebius::internal::apps
