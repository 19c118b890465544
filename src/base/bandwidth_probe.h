// How fast this machine reads memory, measured the way the kernels read weights: every thread streams its own
// contiguous share of a buffer far larger than any cache. Speeds of moebius are given as per cent of this number, so it
// has to be an honest roof: plain 16-byte loads reach what AVX-512 loads and software prefetch reach (measured on Zen
// 4), and several streams per thread are slower.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/thread_pool.h"

namespace moebius::internal {

class BandwidthProbe {
 public:
  static constexpr size_t kDefaultBytes = size_t{1} << 30;

  // Allocates and fills the buffer (huge pages where the kernel gives them). Throws kUnavailable without memory.
  explicit BandwidthProbe(int threads, size_t bytes = kDefaultBytes);
  ~BandwidthProbe();
  BandwidthProbe(const BandwidthProbe&) = delete;
  BandwidthProbe& operator=(const BandwidthProbe&) = delete;

  // Reads the buffer once; bytes per second. Throws kInternal when the sum is not that of what was written.
  double measure();

  [[nodiscard]] size_t bytes() const { return bytes_; }

 private:
  ThreadPool pool_;
  size_t share_bytes_;  // of one thread
  size_t bytes_;
  std::byte* data_;
  uint64_t expected_;
};

}  // namespace moebius::internal
