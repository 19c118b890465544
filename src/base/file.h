// Files as the loader and the writers need them: regular files only, exact reads at an offset (checkpoints by pread,
// never mapped: a file that is truncated while it is mapped kills the process), page-cache hints, and outputs that
// appear whole or not at all.
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
  // Opens a regular file for reading. Throws kMissingInput, kUnreadable (permissions) or kNotRegularFile; never blocks
  // on a FIFO or a device.
  explicit File(std::filesystem::path path);
  ~File();
  File(File&& other) noexcept;
  File& operator=(File&& other) noexcept;
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  [[nodiscard]] uint64_t size() const { return size_bytes_; }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

  // Reads exactly out.size() bytes at the offset; thread safe. Throws kTruncated when the file ends before (it shrank
  // since it was opened), kIo on an I/O error.
  void read(uint64_t offset, std::span<std::byte> out) const;

  // The whole file as memory; for files that moebius wrote itself (mapping.h says why).
  [[nodiscard]] Mapping map() const;
  // Size, time of the last change and inode, as text: another file under the same name has another identity.
  [[nodiscard]] std::string identity() const;

  // Tells the kernel that these bytes will not be read again, so that loading does not fill memory twice.
  void drop_pages(uint64_t offset, uint64_t length) const;

 private:
  std::filesystem::path path_;
  int fd_ = -1;
  uint64_t size_bytes_ = 0;
};

// The whole of a small text file; kHeaderTooLarge above max_bytes.
std::string read_text(const std::filesystem::path& path, uint64_t max_bytes);

// A directory that is written beside its final name (OUT.tmp-PID) and renamed into place by commit(); without commit()
// everything written so far is removed. Throws kExists when the final name is taken, kIo when a write fails.
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

// Appends to a new file; sync() before it counts as written. Throws kIo with the path (disk full and so on).
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
