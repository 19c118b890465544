// See cpu_backend.h.
#include <algorithm>
#include <atomic>
#include <chrono>

#include "backend/cpu/cpu_backend.h"
#include "base/check.h"

namespace moebius::internal::cpu {

double CpuProbes::measure_int8_macs() {
  constexpr int64_t kRounds = 200'000;  // about four milliseconds, so that the time to wake the threads does not matter
  std::atomic<int64_t> macs{0};
  const auto start = std::chrono::steady_clock::now();
  workers_.pool.run([&](int) {
    int32_t sum = 0;
    macs += workers_.kernels.dot_probe(&sum, kRounds);
  });
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  return static_cast<double>(macs) / elapsed.count();
}

void CpuProbes::write_routing(Routing routing, std::span<const int32_t> ids, std::span<const float> weights) {
  RoutedRows& routed = memory_.routing(routing);
  MOEBIUS_CHECK(ids.size() == weights.size() && std::ssize(ids) % routed.slots == 0);
  routed.rows = std::ssize(ids) / routed.slots;
  MOEBIUS_CHECK(routed.rows <= routed.max_rows);
  std::ranges::copy(ids, routed.ids.begin());
  std::ranges::copy(weights, routed.weights.begin());
}

void CpuProbes::read_routing(std::span<int32_t> ids, std::span<float> weights, Routing routing) {
  const RoutedRows& routed = memory_.routing(routing);
  MOEBIUS_CHECK(std::ssize(ids) == routed.rows * routed.slots && ids.size() == weights.size());
  std::copy_n(routed.ids.begin(), ids.size(), ids.begin());
  std::copy_n(routed.weights.begin(), weights.size(), weights.begin());
}

}  // namespace moebius::internal::cpu
