// Where the program writes: data to stdout, everything else to stderr. A reader of stdout that went away (`| head`) is
// a quiet success; a full disk is an error. Colour only for people: a terminal, no NO_COLOR, not TERM=dumb.
#pragma once

#include <fmt/format.h>

#include <string_view>

#include "base/json.h"

namespace moebius::internal::apps {

// Thrown by writes to stdout after its reader closed it; main() ends the program with 0.
struct OutputClosed {};

void write_output(std::string_view text);  // throws OutputClosed, or kIo
void flush_output();                       // the same; before waiting for the next token, and at the end
void write_json(const Json& value);        // indented, with a final newline
void write_note(std::string_view text);    // stderr; failures are ignored: there is nowhere left to report them

template <typename... Args>
void print(fmt::format_string<Args...> format, Args&&... args) {
  write_output(fmt::format(format, std::forward<Args>(args)...));
}

template <typename... Args>
void note(fmt::format_string<Args...> format, Args&&... args) {
  write_note(fmt::format(format, std::forward<Args>(args)...));
}

enum class Stream { kOutput, kNotes };
enum class Colour { kGreen, kYellow, kRed, kBold, kDim, kCyan };
// The text in colour when the stream shows colours, otherwise as it is.
std::string coloured(Stream stream, Colour colour, std::string_view text);

// Rounded for --json: four digits after the point, none of the noise behind them.
double rounded(double value);

}  // namespace moebius::internal::apps
