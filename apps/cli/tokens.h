// Parses the token ids of the command line: --tokens 1,2,3 or --tokens @FILE. Commas or white space separate the ids.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace moebius::internal::apps {

// Returns at least one id, each in [0, 2^31). Throws kUsage, which names the first word that is no id, and what reading
// a file throws. The engine checks whether the ids are in the vocabulary.
std::vector<int32_t> parse_tokens(const std::string& text);

}  // namespace moebius::internal::apps
