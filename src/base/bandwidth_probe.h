// Measures how fast this machine reads memory. Every thread streams its own contiguous share of a buffer far larger
// than any cache, as the kernels read weights. moebius reports its speeds as per cent of this number, so the number
// must be an honest upper bound. Plain 16-byte loads reach what AVX-512 loads and software prefetch reach (measured on
// Zen 4). Several streams per thread are slower.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/thread_pool.h"

namespace moebius::internal {

class BandwidthProbe {
 public:
  static constexpr size_t kDefaultBytes = size_t{1} << 30;

  // Allocates and fills the buffer, on huge pages where the kernel gives them. Throws kUnavailable without memory.
  explicit BandwidthProbe(int threads, size_t bytes = kDefaultBytes);
  ~BandwidthProbe();
  BandwidthProbe(const BandwidthProbe&) = delete;
  BandwidthProbe& operator=(const BandwidthProbe&) = delete;

  // Reads the buffer once and returns the bytes per second. Throws kInternal when the xor of the words read differs
  // from the xor of the words written.
  double measure();

  [[nodiscard]] size_t bytes() const { return bytes_; }

 private:
  ThreadPool pool_;
  size_t share_bytes_;  // bytes that one thread reads
  size_t bytes_;
  std::byte* data_;
  uint64_t expected_;
};

}  // namespace moebius::internal
