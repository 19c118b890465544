// Reads the text arguments of the command line: -p TEXT, -p @FILE, or -p - for standard input. "@@" at the front of
// TEXT stands for one "@".
#pragma once

#include <string>

namespace moebius::internal::apps {

// Throws what reading a file throws. Throws kUsage for more than 256 MB of standard input.
std::string read_text_argument(const std::string& argument);
// Reads standard input to its end. Throws kUsage for more than 256 MB.
std::string read_standard_input();

}  // namespace moebius::internal::apps
