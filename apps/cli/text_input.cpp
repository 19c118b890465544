// See cli/text_input.h.
#include "cli/text_input.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

#include "base/file.h"
#include "base/io_error.h"
#include "moebius/error.h"

namespace moebius::internal::apps {
namespace {

constexpr uint64_t kMaxBytes = uint64_t{256} << 20;

}  // namespace

std::string read_text_argument(const std::string& argument) {
  if (argument == "-") return read_standard_input();
  if (argument.starts_with("@@")) return argument.substr(1);
  return argument.starts_with('@') ? read_text(argument.substr(1), kMaxBytes) : argument;
}

std::string read_standard_input() {
  std::string text;
  std::array<char, 1 << 16> piece;
  while (true) {
    const ssize_t count = ::read(STDIN_FILENO, piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw Error(ErrorCode::kIo, "standard input", io_message(errno));
    if (count == 0) return text;
    text.append(piece.data(), static_cast<size_t>(count));
    if (text.size() > kMaxBytes) throw Error(ErrorCode::kUsage, "standard input", "has more than 256 MB");
  }
}

}  // namespace moebius::internal::apps
