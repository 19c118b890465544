// A piece of a file as memory. It is the page cache itself, without a copy, and every process that maps the file shares
// it. It uses huge pages where the file system has them. A file that is cut short while it is mapped kills the process
// that reads it. Only files are mapped that moebius wrote and replaces as a whole (replacement_file.h); checkpoints are
// read with pread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace moebius::internal {

class Mapping {
 public:
  enum class Access : uint8_t { kRead, kWrite };

  Mapping() = default;
  // Maps bytes [offset, offset + bytes) of an open file; offset is a multiple of 64. Throws kUnavailable when there is
  // no address space for it or the file cannot be mapped.
  Mapping(int fd, uint64_t offset, uint64_t bytes, Access access);
  ~Mapping();
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  [[nodiscard]] std::span<std::byte> bytes() const { return {data_, size_}; }
  // Reads a piece into memory now rather than page by page at its first use. This is a hint: it does nothing where the
  // system does not support it.
  void populate(uint64_t offset, uint64_t length) const;
  // Makes the mapping read-only: writing to it afterwards is a fault.
  void make_read_only() const;

 private:
  void* mapped_ = nullptr;
  size_t mapped_bytes_ = 0;
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace moebius::internal
