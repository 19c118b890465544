// See cli/output.h.
#include "cli/output.h"

#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "moebius/error.h"

namespace moebius::internal::apps {
namespace {

[[noreturn]] void fail_output(int error) {
  if (error == EPIPE) throw OutputClosed{};
  throw Error(
      ErrorCode::kIo, "stdout",
      std::string("cannot be written: ") + std::strerror(error),  // NOLINT(concurrency-mt-unsafe): one thread writes
      "send it somewhere with room");
}

// Returns the value of an environment variable; "" when it is not set.
std::string_view variable(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing in this program changes them
  return value == nullptr ? "" : value;
}

}  // namespace

bool takes_escapes(Stream stream) {
  if (isatty(stream == Stream::kOutput ? STDOUT_FILENO : STDERR_FILENO) == 0) return false;
  const std::string_view terminal = variable("TERM");
  return !terminal.empty() && terminal != "dumb";
}

void write_output(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) fail_output(errno);
}

void flush_output() {
  if (std::fflush(stdout) != 0) fail_output(errno);
}

void write_json(const Json& value) { write_output(to_text(value, JsonLayout::kIndented) + "\n"); }

void write_note(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

std::string coloured(Stream stream, Colour colour, std::string_view text) {
  if (!takes_escapes(stream) || !variable("NO_COLOR").empty()) return std::string(text);
  constexpr int kCodes[] = {32, 33, 31, 1, 2, 36};
  return fmt::format("\x1b[{}m{}\x1b[0m", kCodes[static_cast<int>(colour)], text);
}

double rounded(double value) { return std::round(value * 1e4) / 1e4; }

}  // namespace moebius::internal::apps
