// See cli/text_input.h.
#include "cli/text_input.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "base/file.h"
#include "base/io_error.h"
#include "moebius/error.h"

namespace moebius::internal::apps {
namespace {

namespace fs = std::filesystem;

class Descriptor {
 public:
  // Waits until somebody writes when `name` is a FIFO.
  explicit Descriptor(const std::string& name) : fd_(::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)) {
    if (fd_ < 0) throw Error(ErrorCode::kUnreadable, name, io_message(errno), "check the permissions");
  }
  ~Descriptor() { ::close(fd_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

std::string read_to_end(int fd, const std::string& name) {
  std::string text;
  std::array<char, 1 << 16> piece;
  while (true) {
    const ssize_t count = ::read(fd, piece.data(), piece.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw Error(ErrorCode::kIo, name, io_message(errno));
    if (count == 0) return text;
    text.append(piece.data(), static_cast<size_t>(count));
    if (text.size() > kMaxInputBytes) throw Error(ErrorCode::kUsage, name, "has more than 256 MB", "give less of it");
  }
}

// Pipes and devices have no size and are read to their end.
bool is_stream(const std::string& name) {
  std::error_code ignored;
  const fs::file_type type = fs::status(name, ignored).type();
  return type == fs::file_type::fifo || type == fs::file_type::character;
}

}  // namespace

std::string read_text_argument(const std::string& argument) {
  if (argument.starts_with("@@")) return argument.substr(1);
  if (argument.starts_with('@')) return read_input(argument.substr(1));
  return argument == "-" ? read_input(argument) : argument;
}

std::string read_input(const std::string& name) {
  if (name == "-") return read_to_end(STDIN_FILENO, "standard input");
  if (!is_stream(name)) return read_text(name, kMaxInputBytes);
  const Descriptor stream(name);
  return read_to_end(stream.get(), name);
}

}  // namespace moebius::internal::apps
