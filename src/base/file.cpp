// File (open, pread, page-cache hints) and FileWriter. AtomicDirectory is in atomic_directory.cpp.
#include "base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/io_error.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

constexpr const char* kNotRegularHint = "checkpoints hold plain files: download it again";

[[noreturn]] void refuse_open(const std::filesystem::path& path, int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case ENAMETOOLONG:
      throw Error(ErrorCode::kMissingInput, path.string(), io_message(error), "check the path");
    case EACCES:
    case EPERM:
      throw Error(ErrorCode::kUnreadable, path.string(), io_message(error), "check the permissions");
    case ENXIO:
      throw Error(ErrorCode::kNotRegularFile, path.string(), "is a socket or a device, expected a regular file",
                  kNotRegularHint);
    default:
      throw_io_error(path, "cannot open", error);
  }
}

// Throws kTruncated: the file is shorter now than when it was opened.
[[noreturn]] void refuse_short(const std::filesystem::path& path, int fd, uint64_t offset, uint64_t bytes) {
  struct stat status{};
  ::fstat(fd, &status);
  throw Error(ErrorCode::kTruncated, path.string(),
              fmt::format("ends at byte {}, expected {} bytes from byte {}", status.st_size, bytes, offset),
              "the file is cut off or was changed while it was read: download it again");
}

std::string_view kind(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

}  // namespace

File::File(std::filesystem::path path) : path_(std::move(path)) {
  // Without O_NONBLOCK, opening a FIFO that nobody writes to would wait for ever. The flag has no effect on a regular
  // file.
  fd_ = ::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  if (fd_ < 0) refuse_open(path_, errno);
  struct stat status{};
  const int failed = ::fstat(fd_, &status) == 0 ? 0 : errno;
  if (failed != 0 || !S_ISREG(status.st_mode)) {
    ::close(std::exchange(fd_, -1));
    if (failed != 0) throw_io_error(path_, "cannot stat", failed);
    throw Error(ErrorCode::kNotRegularFile, path_.string(),
                fmt::format("is {}, expected a regular file", kind(status.st_mode)), kNotRegularHint);
  }
  size_bytes_ = static_cast<uint64_t>(status.st_size);
}

File::~File() {
  if (fd_ >= 0) ::close(fd_);
}

File::File(File&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)), size_bytes_(other.size_bytes_) {}

File& File::operator=(File&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(fd_, other.fd_);
  std::swap(size_bytes_, other.size_bytes_);
  return *this;
}

void File::read(uint64_t offset, std::span<std::byte> out) const {
  size_t done = 0;
  while (done < out.size()) {
    const ssize_t got = ::pread(fd_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (got > 0) {
      done += static_cast<size_t>(got);
    } else if (got == 0) {
      refuse_short(path_, fd_, offset, out.size());
    } else if (errno != EINTR) {
      throw_io_error(path_, fmt::format("cannot read at byte {}", offset + done), errno);
    }
  }
}

Mapping File::map() const { return {fd_, 0, size_bytes_, Mapping::Access::kRead}; }

std::string File::identity() const {
  struct stat status{};
  if (::fstat(fd_, &status) != 0) throw_io_error(path_, "cannot stat", errno);
  return fmt::format("{} bytes, {}.{:09} s, inode {}", status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec,
                     status.st_ino);
}

void File::drop_pages(uint64_t offset, uint64_t length) const {
  // The kernel keeps a page that the range covers only in part, and a page of the page cache may have up to 2 MiB. The
  // range begins at a multiple of 2 MiB, so that a sequence of adjacent ranges drops every page. Only a page of which a
  // part is still to be read stays.
  constexpr uint64_t kLargestPage = 2 << 20;
  const uint64_t start = offset - offset % kLargestPage;
  ::posix_fadvise(fd_, static_cast<off_t>(start), static_cast<off_t>(offset + length - start), POSIX_FADV_DONTNEED);
}

void refuse_lfs_pointer(std::string_view beginning, const std::filesystem::path& path) {
  if (!beginning.starts_with("version https://git-lfs.github.com/spec/")) return;
  throw Error(ErrorCode::kMissingInput, path.string(),
              "is a pointer of Git LFS, which stands for a file that is not here",
              "run `git lfs pull` in the directory, or download the file itself");
}

std::string read_text(const std::filesystem::path& path, uint64_t max_bytes) {
  const File file(path);
  if (file.size() > max_bytes) {
    throw Error(ErrorCode::kHeaderTooLarge, path.string(),
                fmt::format("is {} bytes, at most {} are read", file.size(), max_bytes),
                "this is not the file that its name says: download it again");
  }
  std::string text(file.size(), '\0');
  file.read(0, std::as_writable_bytes(std::span(text)));
  refuse_lfs_pointer(text, path);
  return text;
}

FileWriter::FileWriter(std::filesystem::path path) : path_(std::move(path)) {
  fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd_ >= 0) return;
  if (errno == EEXIST) throw Error(ErrorCode::kExists, path_.string(), "is there already", "choose another name");
  throw_io_error(path_, "cannot create", errno);
}

FileWriter::~FileWriter() {
  if (fd_ >= 0) ::close(fd_);
}

void FileWriter::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd_, bytes.data(), bytes.size());
    if (put >= 0) {
      bytes = bytes.subspan(static_cast<size_t>(put));
    } else if (errno != EINTR) {
      throw_io_error(path_, "cannot write", errno);
    }
  }
}

void FileWriter::write(std::string_view text) { write(std::as_bytes(std::span(text))); }

void FileWriter::sync() {
  if (::fsync(fd_) != 0) throw_io_error(path_, "cannot sync", errno);
}

}  // namespace moebius::internal
