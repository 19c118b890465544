// See bench/logits_file.h.
#include "bench/logits_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include "base/io_error.h"
#include "cli/progress.h"
#include "moebius/error.h"

namespace moebius::internal::apps {
namespace {

// Opens a file that never had a name (O_TMPFILE). Where the file system does not support that, opens a named file and
// unlinks it at once.
int open_unnamed(const std::filesystem::path& directory) {
  if (const int fd = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600); fd >= 0) return fd;
  std::string name = (directory / "moebius-logits-XXXXXX").string();
  const int fd = ::mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) throw Error(ErrorCode::kIo, directory.string(), io_message(errno), "set TMPDIR to another directory");
  ::unlink(name.c_str());
  return fd;
}

[[noreturn]] void fail(const char* what) {
  throw Error(ErrorCode::kIo, "temporary file of logits", fmt::format("{}: {}", what, io_message(errno)),
              "set TMPDIR to a directory with room, or take fewer tokens with --most-tokens");
}

}  // namespace

LogitsFile::LogitsFile(uint64_t rows, size_t vocab) : vocab_(vocab) {
  std::error_code failed;
  const std::filesystem::path directory = std::filesystem::temp_directory_path(failed);  // honours TMPDIR
  const uint64_t needed = rows * vocab * sizeof(float);
  const std::filesystem::space_info space = std::filesystem::space(directory, failed);
  if (!failed && space.available < needed) {
    throw Error(
        ErrorCode::kUnavailable, directory.string(),
        fmt::format("has {} free, {} rows of logits take {}", human_bytes(space.available), rows, human_bytes(needed)),
        fmt::format("set TMPDIR to a larger disk, or give --most-tokens {}",
                    space.available / (vocab * sizeof(float))));
  }
  file_.reset(::fdopen(open_unnamed(directory), "w+b"));
  if (file_ == nullptr) fail("cannot be opened");
}

void LogitsFile::write(std::span<const float> row) {
  if (std::fwrite(row.data(), sizeof(float), row.size(), file_.get()) != row.size()) fail("cannot be written");
}

void LogitsFile::rewind() {
  if (std::fflush(file_.get()) != 0 || std::fseek(file_.get(), 0, SEEK_SET) != 0) fail("cannot be read");
}

void LogitsFile::read(std::span<float> row) {
  if (std::fread(row.data(), sizeof(float), row.size(), file_.get()) != row.size()) fail("cannot be read");
}

}  // namespace moebius::internal::apps
