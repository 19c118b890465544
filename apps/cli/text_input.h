// Text as the command line takes it: -p TEXT, -p @FILE, or -p - for standard input. "@@" at the front is one "@".
#pragma once

#include <string>

namespace moebius::internal::apps {

// Throws what reading a file throws, and kUsage for more than 256 MB.
std::string read_text_argument(const std::string& argument);
// All of standard input.
std::string read_standard_input();

}  // namespace moebius::internal::apps
