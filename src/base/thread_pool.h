// A pool of threads that lives as long as its backend. run() executes the same function on every thread (SPMD). Inside
// that function, barrier() separates phases, and WorkItems (work_items.h) hands out chunks. Threads spin between steps
// for a short time and then park, so that an idle process costs nothing.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace moebius::internal {

class ThreadPool {
 public:
  // threads >= 1; the calling thread of run() is one of them.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] int size() const { return threads_; }

  // Calls body(thread) once on each thread, 0 <= thread < size(), and returns when all are done. One caller at a time;
  // not reentrant. The body must not throw.
  template <typename Body>
  void run(const Body& body) {
    run_erased([](const void* context, int thread) { (*static_cast<const Body*>(context))(thread); }, &body);
  }

  // Waits, inside run(), until every thread has called it. Every thread must call it the same number of times.
  void barrier();

  // The number of waits since the pool began: each end of a run and each barrier is one.
  [[nodiscard]] int64_t waits() const { return waits_; }

 private:
  using Entry = void (*)(const void*, int);
  void run_erased(Entry entry, const void* context);
  void work(int thread);

  int threads_;
  Entry entry_ = nullptr;
  const void* context_ = nullptr;
  int64_t waits_ = 0;                           // one thread counts each run and each barrier
  alignas(64) std::atomic<uint32_t> epoch_{0};  // a new value starts a run
  alignas(64) std::atomic<int> running_{0};     // workers that have not finished the run
  alignas(64) std::atomic<int> arrived_{0};     // threads that wait at the barrier
  alignas(64) std::atomic<uint32_t> phase_{0};  // barriers passed
  std::atomic<bool> stopping_{false};
  std::vector<std::thread> workers_;
};

// Returns the number of physical cores that the affinity mask and the cgroup quota let this process use; at least 1.
int default_thread_count();

}  // namespace moebius::internal
