// One pool of threads that lives as long as its backend, and one way to use it: run() executes the same function on
// every thread (SPMD); inside, barrier() separates phases and WorkItems (work_items.h) hands out chunks. Threads spin
// between steps for a short time and then park, so that an idle process costs nothing.
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

  // Inside run(): waits until every thread has come here. Counts of waits must agree on all threads.
  void barrier();

  // Ends of runs and barriers that threads had to wait at, since the pool began.
  [[nodiscard]] int64_t waits() const { return waits_; }

 private:
  using Entry = void (*)(const void*, int);
  void run_erased(Entry entry, const void* context);
  void work(int thread);

  int threads_;
  Entry entry_ = nullptr;
  const void* context_ = nullptr;
  int64_t waits_ = 0;                           // counted by whoever comes last
  alignas(64) std::atomic<uint32_t> epoch_{0};  // a new value starts a run
  alignas(64) std::atomic<int> running_{0};     // workers that have not finished the run
  alignas(64) std::atomic<int> arrived_{0};     // at the barrier
  alignas(64) std::atomic<uint32_t> phase_{0};  // barriers passed
  std::atomic<bool> stopping_{false};
  std::vector<std::thread> workers_;
};

// Physical cores that this process may use: affinity mask and cgroup quota considered; at least 1.
int default_thread_count();

}  // namespace moebius::internal
