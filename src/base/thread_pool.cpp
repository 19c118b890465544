#include "base/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <utility>

#include "base/check.h"

namespace moebius::internal {
namespace {

// A waiting thread first spins and then yields, together for about half a millisecond, before it parks. That is longer
// than any gap between two operations of a step, because a thread that parks too early takes 50 us and more to come
// back. It is shorter than anyone notices.
constexpr int kSpins = 2000;
constexpr int kYields = 500;

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// Waits until value is not `old` any more: spins, yields, then parks in the kernel.
template <typename T>
void wait_while(const std::atomic<T>& value, T old) {
  for (int i = 0; i < kSpins; ++i) {
    if (value.load(std::memory_order_acquire) != old) return;
    pause();
  }
  for (int i = 0; i < kYields; ++i) {
    if (value.load(std::memory_order_acquire) != old) return;
    sched_yield();
  }
  value.wait(old, std::memory_order_acquire);
}

// Returns how many CPUs the cgroup (v2 or v1) lets this process use, or a large number when there is no quota.
double quota_cpus() {
  std::ifstream v2("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (v2 >> quota >> period && quota != "max" && period > 0) return std::stod(quota) / period;
  std::ifstream v1_quota("/sys/fs/cgroup/cpu/cpu.cfs_quota_us");
  std::ifstream v1_period("/sys/fs/cgroup/cpu/cpu.cfs_period_us");
  double limit = -1;
  if (v1_quota >> limit && v1_period >> period && limit > 0 && period > 0) return limit / period;
  return 1e9;
}

}  // namespace

ThreadPool::ThreadPool(int threads) : threads_(threads) {
  MOEBIUS_CHECK(threads >= 1);
  workers_.reserve(static_cast<size_t>(threads - 1));
  for (int i = 1; i < threads; ++i) workers_.emplace_back([this, i] { work(i); });
}

ThreadPool::~ThreadPool() {
  stopping_.store(true, std::memory_order_relaxed);
  epoch_.fetch_add(1, std::memory_order_release);
  epoch_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::run_erased(Entry entry, const void* context) {
  entry_ = entry;
  context_ = context;
  running_.store(threads_ - 1, std::memory_order_relaxed);
  epoch_.fetch_add(1, std::memory_order_release);
  if (threads_ > 1) epoch_.notify_all();
  entry(context, 0);
  ++waits_;
  for (int left = running_.load(std::memory_order_acquire); left > 0; left = running_.load(std::memory_order_acquire)) {
    wait_while(running_, left);
  }
}

void ThreadPool::work(int thread) {
  uint32_t seen = 0;
  while (true) {
    wait_while(epoch_, seen);
    seen += 1;
    if (stopping_.load(std::memory_order_relaxed)) return;
    entry_(context_, thread);
    if (running_.fetch_sub(1, std::memory_order_acq_rel) == 1) running_.notify_one();
  }
}

void ThreadPool::barrier() {
  const uint32_t phase = phase_.load(std::memory_order_relaxed);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) == threads_ - 1) {
    arrived_.store(0, std::memory_order_relaxed);
    ++waits_;
    phase_.fetch_add(1, std::memory_order_release);
    if (threads_ > 1) phase_.notify_all();
    return;
  }
  while (phase_.load(std::memory_order_acquire) == phase) wait_while(phase_, phase);
}

int default_thread_count() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return 1;
  std::set<std::pair<int, int>> cores;  // (package, core): hyper-threads of one core count once
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    const std::string topology = "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
    std::ifstream package_file(topology + "physical_package_id");
    std::ifstream core_file(topology + "core_id");
    int package = 0;
    int core = cpu;
    if (!(package_file >> package)) package = 0;
    if (!(core_file >> core)) core = cpu;
    cores.emplace(package, core);
  }
  const auto quota = static_cast<int>(std::min(quota_cpus(), 1e6));
  return std::max(1, std::min(static_cast<int>(cores.size()), std::max(1, quota)));
}

}  // namespace moebius::internal
