// See replacement_file.h.
#include "base/replacement_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "base/io_error.h"

namespace moebius::internal {
namespace {

// Tells whether `path` still names the open file. The previous holder of the lock may have renamed or removed that file
// between our open() and our flock().
bool still_named(int fd, const std::filesystem::path& path) {
  struct stat opened{};
  struct stat named{};
  return ::fstat(fd, &opened) == 0 && ::stat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino &&
         opened.st_dev == named.st_dev;
}

}  // namespace

std::optional<ReplacementFile> ReplacementFile::create(const std::filesystem::path& path) {
  std::filesystem::path temporary = path;
  temporary += ".tmp";
  const int fd = ::open(temporary.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (fd < 0) throw_io_error(temporary, "cannot create", errno);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0 || !still_named(fd, temporary)) {
    ::close(fd);
    return std::nullopt;
  }
  ReplacementFile file(path, std::move(temporary), fd);
  if (::ftruncate(fd, 0) != 0) throw_io_error(file.temporary_, "cannot empty", errno);
  return file;
}

ReplacementFile::ReplacementFile(std::filesystem::path path, std::filesystem::path temporary, int fd)
    : path_(std::move(path)), temporary_(std::move(temporary)), fd_(fd) {}

ReplacementFile::ReplacementFile(ReplacementFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::move(other.temporary_)),
      fd_(std::exchange(other.fd_, -1)),
      committed_(other.committed_) {}

ReplacementFile::~ReplacementFile() {
  if (fd_ < 0) return;
  if (!committed_) ::unlink(temporary_.c_str());
  ::close(fd_);
}

Mapping ReplacementFile::extend(uint64_t offset, uint64_t bytes) {
  const int failed = ::posix_fallocate(fd_, static_cast<off_t>(offset), static_cast<off_t>(bytes));
  if (failed != 0) throw_io_error(temporary_, "cannot grow", failed);
  return {fd_, offset, bytes, Mapping::Access::kWrite};
}

void ReplacementFile::write(uint64_t offset, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::pwrite(fd_, text.data(), text.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw_io_error(temporary_, "cannot write", errno);
    text.remove_prefix(static_cast<size_t>(put));
    offset += static_cast<uint64_t>(put);
  }
}

void ReplacementFile::commit() {
  if (::fsync(fd_) != 0) throw_io_error(temporary_, "cannot sync", errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) throw_io_error(path_, "cannot rename into place", errno);
  committed_ = true;
}

}  // namespace moebius::internal
