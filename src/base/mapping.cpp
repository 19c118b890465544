// mmap of files.
#include "base/mapping.h"

#include <sys/mman.h>

#include <cerrno>
#include <utility>

#include "base/check.h"
#include "base/io_error.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kHugePage = uint64_t{2} << 20;

// Reserves address space for `bytes` and returns where the mapping begins. That address has the same offset within a
// huge page as `offset` has in the file; only then can the kernel use huge pages.
std::byte* reserve_like(uint64_t offset, size_t bytes, void*& base, size_t& base_bytes) {
  base_bytes = bytes + kHugePage;
  base = ::mmap(nullptr, base_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) {
    base = nullptr;
    throw Error(ErrorCode::kUnavailable, "mapping", "no address space: " + io_message(errno));
  }
  const auto address = reinterpret_cast<uintptr_t>(base);
  const uintptr_t shift = (offset - address) % kHugePage;  // unsigned: the distance upwards
  return static_cast<std::byte*>(base) + shift;
}

}  // namespace

Mapping::Mapping(int fd, uint64_t offset, uint64_t bytes, Access access) : size_(bytes) {
  MOEBIUS_CHECK(offset % 64 == 0);
  if (bytes == 0) return;
  const uint64_t first = offset - offset % kPage;
  const size_t length = offset + bytes - first;
  std::byte* place = reserve_like(first, length, mapped_, mapped_bytes_);
  const int protection = access == Access::kWrite ? PROT_READ | PROT_WRITE : PROT_READ;
  if (::mmap(place, length, protection, MAP_SHARED | MAP_FIXED, fd, static_cast<off_t>(first)) == MAP_FAILED) {
    const int error = errno;
    ::munmap(std::exchange(mapped_, nullptr), mapped_bytes_);
    throw Error(ErrorCode::kUnavailable, "mapping", "cannot map a file: " + io_message(error));
  }
  ::madvise(place, length, MADV_HUGEPAGE);  // advice only
  data_ = place + (offset - first);
}

Mapping::~Mapping() {
  if (mapped_ != nullptr) ::munmap(mapped_, mapped_bytes_);
}

Mapping::Mapping(Mapping&& other) noexcept { *this = std::move(other); }

Mapping& Mapping::operator=(Mapping&& other) noexcept {
  std::swap(mapped_, other.mapped_);
  std::swap(mapped_bytes_, other.mapped_bytes_);
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

void Mapping::populate(uint64_t offset, uint64_t length) const {
  MOEBIUS_CHECK(offset <= size_ && length <= size_ - offset);
#ifdef MADV_POPULATE_READ
  const uintptr_t in_page = reinterpret_cast<uintptr_t>(data_ + offset) % kPage;
  ::madvise(data_ + offset - in_page, length + in_page, MADV_POPULATE_READ);
#endif
}

void Mapping::make_read_only() const {
  if (mapped_ != nullptr) ::mprotect(mapped_, mapped_bytes_, PROT_READ);
}

}  // namespace moebius::internal
