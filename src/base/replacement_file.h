// A large file that takes its name only when it is whole. One process at a time writes it as PATH.tmp and then renames
// it over PATH. Whoever has the old file open or mapped keeps it. A process that dies leaves PATH.tmp behind, and the
// next writer takes that file over.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

#include "base/mapping.h"

namespace moebius::internal {

class ReplacementFile {
 public:
  // Returns nullopt while another process writes the same file. Throws kIo when the folder does not allow it.
  static std::optional<ReplacementFile> create(const std::filesystem::path& path);
  ~ReplacementFile();  // removes PATH.tmp when commit() was not called
  ReplacementFile(ReplacementFile&& other) noexcept;
  ReplacementFile& operator=(ReplacementFile&&) = delete;
  ReplacementFile(const ReplacementFile&) = delete;
  ReplacementFile& operator=(const ReplacementFile&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  // Maps bytes [offset, offset + bytes) for writing. They are zero and their disk space is allocated, so that a full
  // disk is an error here and not a fault later. Throws kIo.
  [[nodiscard]] Mapping extend(uint64_t offset, uint64_t bytes);
  void write(uint64_t offset, std::string_view text);
  // Waits until the disk has everything, then replaces PATH. Throws kIo.
  void commit();

 private:
  ReplacementFile(std::filesystem::path path, std::filesystem::path temporary, int fd);

  std::filesystem::path path_, temporary_;
  int fd_ = -1;
  bool committed_ = false;
};

}  // namespace moebius::internal
