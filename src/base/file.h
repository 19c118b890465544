// Files for the loader and the writers: exact reads of regular files at an offset, page-cache hints, and outputs that
// appear whole or not at all. Checkpoints are read with pread and never mapped, because a file that is truncated while
// it is mapped kills the process.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/mapping.h"

namespace moebius::internal {

class File {
 public:
  // Opens a regular file for reading and never blocks on a FIFO or a device. Throws kMissingInput, kUnreadable
  // (permissions) or kNotRegularFile.
  explicit File(std::filesystem::path path);
  ~File();
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  [[nodiscard]] uint64_t size() const { return size_bytes_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  // Reads exactly out.size() bytes at the offset; thread safe. Throws kTruncated when the file ends earlier (it shrank
  // since it was opened) and kIo on an I/O error.
  void read(uint64_t offset, std::span<std::byte> out) const;

  // Maps the whole file into memory. Use it only for files that moebius wrote itself (mapping.h says why).
  [[nodiscard]] Mapping map() const;
  // Returns size, time of the last change and inode as text. Another file under the same name has another identity.
  [[nodiscard]] std::string identity() const;

  // Tells the kernel that these bytes will not be read again, so that loading does not fill memory twice.
  void drop_pages(uint64_t offset, uint64_t length) const;

 private:
  std::filesystem::path path_;
  int fd_ = -1;
  uint64_t size_bytes_ = 0;
};

// Throws kMissingInput when a file begins like a pointer of Git LFS: a clone without `git lfs` has such a text in place
// of each large file. beginning: the first bytes, at least 50 where the file has so many.
void refuse_lfs_pointer(std::string_view beginning, const std::filesystem::path& path);

// Reads the whole of a small text file. Throws kHeaderTooLarge when it has more than max_bytes, and kMissingInput when
// it is a pointer of Git LFS.
std::string read_text(const std::filesystem::path& path, uint64_t max_bytes);

// A directory that is written beside its final name (OUT.tmp-PID). commit() renames it into place. The destructor
// removes everything written when commit() was not called. Throws kExists when the final name is taken and kIo when a
// write fails.
class AtomicDirectory {
 public:
  explicit AtomicDirectory(std::filesystem::path final_path);
  ~AtomicDirectory();
  AtomicDirectory(const AtomicDirectory&) = delete;
  AtomicDirectory& operator=(const AtomicDirectory&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return temporary_; }
  void commit();

 private:
  std::filesystem::path final_;
  std::filesystem::path temporary_;
  bool committed_ = false;
};

// Appends to a new file. The bytes count as written only after sync(). Throws kIo with the path, for example when the
// disk is full.
class FileWriter {
 public:
  explicit FileWriter(std::filesystem::path path);
  ~FileWriter();
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);
  void sync();

 private:
  std::filesystem::path path_;
  int fd_ = -1;
};

}  // namespace moebius::internal
