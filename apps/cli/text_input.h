// Reads what the command line names: a text that stands there, a file, a pipe, or standard input. "@@" at the front of
// TEXT stands for one "@".
#pragma once

#include <cstdint>
#include <string>

namespace moebius::internal::apps {

inline constexpr uint64_t kMaxInputBytes = uint64_t{256} << 20;

// Returns TEXT, or what read_input() reads for @FILE and -.
std::string read_text_argument(const std::string& argument);
// Reads a file, or standard input for "-". Reads a pipe to its end, such as bash's <(command); a checkpoint has no
// pipes, and base/file.h refuses them. Throws what reading a file throws, and kUsage for more than kMaxInputBytes of a
// pipe.
std::string read_input(const std::string& name);

}  // namespace moebius::internal::apps
