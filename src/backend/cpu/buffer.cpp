#include "backend/cpu/buffer.h"

#include <sys/mman.h>

#include <string>
#include <utility>

#include "base/checked.h"
#include "moebius/error.h"

namespace moebius::internal::cpu {
namespace {

constexpr int64_t kHugePage = int64_t{2} << 20;

}  // namespace

Buffer::Buffer(int64_t bytes) : bytes_(bytes) {
  if (bytes == 0) return;
  const bool huge = bytes >= kHugePage;
  mapping_bytes_ = huge ? bytes + kHugePage : bytes;  // room to align
  mapping_ = mmap(nullptr, static_cast<size_t>(mapping_bytes_), PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping_ == MAP_FAILED) {
    mapping_ = nullptr;
    throw Error(ErrorCode::kUnavailable, "cpu backend", "cannot reserve " + std::to_string(bytes) + " bytes of memory",
                "use a smaller --ctx or a smaller checkpoint");
  }
  const auto address = reinterpret_cast<uintptr_t>(mapping_);
  const uintptr_t aligned = huge ? (address + kHugePage - 1) & ~static_cast<uintptr_t>(kHugePage - 1) : address;
  data_ = reinterpret_cast<uint8_t*>(aligned);
  // This is only advice: without transparent huge pages everything works, but slower.
  if (huge) madvise(data_, static_cast<size_t>(bytes), MADV_HUGEPAGE);
}

Buffer::~Buffer() {
  if (mapping_ != nullptr) munmap(mapping_, static_cast<size_t>(mapping_bytes_));
}

Buffer::Buffer(Buffer&& other) noexcept { *this = std::move(other); }

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(mapping_, other.mapping_);
  std::swap(mapping_bytes_, other.mapping_bytes_);
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  return *this;
}

void Buffer::clear() {
  if (data_ != nullptr) madvise(data_, static_cast<size_t>(bytes_), MADV_DONTNEED);
}

}  // namespace moebius::internal::cpu
