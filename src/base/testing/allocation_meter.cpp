// The replaced operators count usable sizes and leave the rest to malloc.
#include "base/testing/allocation_meter.h"

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<size_t> live_bytes{0};
std::atomic<size_t> peak_live_bytes{0};

void* counted(void* pointer) {
  if (pointer == nullptr) throw std::bad_alloc();
  const size_t live = live_bytes.fetch_add(::malloc_usable_size(pointer)) + ::malloc_usable_size(pointer);
  size_t peak = peak_live_bytes.load();
  while (live > peak && !peak_live_bytes.compare_exchange_weak(peak, live)) {
  }
  return pointer;
}

void release(void* pointer) {
  if (pointer != nullptr) live_bytes.fetch_sub(::malloc_usable_size(pointer));
  std::free(pointer);
}

}  // namespace

void* operator new(size_t size) { return counted(std::malloc(size)); }
void* operator new[](size_t size) { return counted(std::malloc(size)); }
void* operator new(size_t size, std::align_val_t alignment) {
  return counted(::memalign(static_cast<size_t>(alignment), size));
}
void* operator new[](size_t size, std::align_val_t alignment) {
  return counted(::memalign(static_cast<size_t>(alignment), size));
}
void operator delete(void* pointer) noexcept { release(pointer); }
void operator delete[](void* pointer) noexcept { release(pointer); }
void operator delete(void* pointer, size_t) noexcept { release(pointer); }
void operator delete[](void* pointer, size_t) noexcept { release(pointer); }
void operator delete(void* pointer, std::align_val_t) noexcept { release(pointer); }
void operator delete[](void* pointer, std::align_val_t) noexcept { release(pointer); }
void operator delete(void* pointer, size_t, std::align_val_t) noexcept { release(pointer); }
void operator delete[](void* pointer, size_t, std::align_val_t) noexcept { release(pointer); }

namespace moebius::internal {

AllocationMeter::AllocationMeter() : before_bytes_(live_bytes.load()) { peak_live_bytes.store(before_bytes_); }

size_t AllocationMeter::peak_bytes() const { return peak_live_bytes.load() - before_bytes_; }

}  // namespace moebius::internal
