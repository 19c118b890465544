// See bandwidth_probe.h.
#include "base/bandwidth_probe.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>

#include "base/check.h"
#include "base/checked.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

// Sixteen bytes fit one vector register of every 64-bit machine. A wider vector would need a wider instruction set.
using Vector = uint64_t __attribute__((vector_size(16)));
constexpr size_t kAccumulators = 8;
constexpr size_t kStep = kAccumulators * sizeof(Vector);
constexpr size_t kHugePage = size_t{2} << 20;

// Returns the xor of all words of [data, data + bytes); bytes is a multiple of kStep. It uses independent accumulators,
// because one chain of dependent operations would be slower than memory.
uint64_t fold(const std::byte* data, size_t bytes) {
  Vector sums[kAccumulators] = {};
  const auto* vectors = reinterpret_cast<const Vector*>(data);
  for (size_t i = 0; i < bytes / sizeof(Vector); i += kAccumulators) {
    for (size_t j = 0; j < kAccumulators; ++j) sums[j] ^= vectors[i + j];
  }
  for (size_t j = 1; j < kAccumulators; ++j) sums[0] ^= sums[j];
  return sums[0][0] ^ sums[0][1];
}

// Fills the buffer with 64-bit numbers that differ (Weyl sequence) and returns their xor.
uint64_t fill(std::byte* data, size_t bytes, uint64_t seed) {
  auto* words = reinterpret_cast<uint64_t*>(data);
  uint64_t sum = 0;
  for (size_t i = 0; i < bytes / sizeof(uint64_t); ++i) {
    seed += 0x9e3779b97f4a7c15u;
    words[i] = seed;
    sum ^= seed;
  }
  return sum;
}

}  // namespace

BandwidthProbe::BandwidthProbe(int threads, size_t bytes)
    : pool_(threads),
      share_bytes_(
          static_cast<size_t>(round_up(div_up(static_cast<int64_t>(bytes), threads), static_cast<int64_t>(kHugePage)))),
      bytes_(share_bytes_ * static_cast<size_t>(threads)) {
  void* memory = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    throw Error(ErrorCode::kUnavailable, "bandwidth probe", "no memory for " + std::to_string(bytes_) + " bytes",
                "End what else uses memory.");
  }
  madvise(memory, bytes_, MADV_HUGEPAGE);  // advice: small pages work too
  data_ = static_cast<std::byte*>(memory);
  std::atomic<uint64_t> sum{0};
  pool_.run([&](int thread) {  // the first touch of a share places it on the memory node of its thread
    const auto t = static_cast<size_t>(thread);
    sum.fetch_xor(fill(data_ + t * share_bytes_, share_bytes_, t), std::memory_order_relaxed);
  });
  expected_ = sum.load();
}

BandwidthProbe::~BandwidthProbe() { munmap(data_, bytes_); }

double BandwidthProbe::measure() {
  std::atomic<uint64_t> sum{0};
  const auto start = std::chrono::steady_clock::now();
  pool_.run([&](int thread) {
    const auto t = static_cast<size_t>(thread);
    sum.fetch_xor(fold(data_ + t * share_bytes_, share_bytes_), std::memory_order_relaxed);
  });
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  MOEBIUS_CHECK(sum.load() == expected_);
  return static_cast<double>(bytes_) / elapsed.count();
}

}  // namespace moebius::internal
