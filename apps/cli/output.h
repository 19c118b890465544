// The program writes data to stdout and everything else to stderr. When the reader of stdout goes away (`| head`), the
// program ends quietly with success. A full disk is an error. Escape sequences go only to a terminal that takes them,
// and colours only without NO_COLOR.
#pragma once

#include <fmt/format.h>

#include <string_view>

#include "base/json.h"

namespace moebius::internal::apps {

// Thrown by writes to stdout after its reader closed it; main() ends the program with 0.
struct OutputClosed {};

void write_output(std::string_view text);  // throws OutputClosed or kIo
void flush_output();                       // throws OutputClosed or kIo; called before each wait and at the end
void write_json(const Json& value);        // indented, with a final newline
void write_note(std::string_view text);    // to stderr; ignores failures, because there is nowhere to report them

template <typename... Args>
void print(fmt::format_string<Args...> format, Args&&... args) {
  write_output(fmt::format(format, std::forward<Args>(args)...));
}

template <typename... Args>
void note(fmt::format_string<Args...> format, Args&&... args) {
  write_note(fmt::format(format, std::forward<Args>(args)...));
}

enum class Stream { kOutput, kNotes };
// Returns whether the stream is a terminal that takes escape sequences. TERM says so: it is not set, or is "dumb", for
// a terminal that would show them as letters (terminfo's entry `dumb`).
bool takes_escapes(Stream stream);
enum class Colour { kGreen, kYellow, kRed, kBold, kDim, kCyan };
// Returns the text in colour when the stream shows colours. Returns the text unchanged otherwise.
std::string coloured(Stream stream, Colour colour, std::string_view text);

// Rounds to four digits after the point, so that --json prints no noise behind them.
double rounded(double value);

}  // namespace moebius::internal::apps
