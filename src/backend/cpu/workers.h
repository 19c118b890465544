// The threads of the CPU backend, and the kernels of the instruction set that they run.
#pragma once

#include <cstdint>

#include "backend/cpu/kernels/kernel_table.h"
#include "base/thread_pool.h"
#include "base/work_items.h"

namespace moebius::internal::cpu {

struct Workers {
  Workers(const KernelTable& table, int threads) : kernels(table), pool(threads), items(threads) {}

  // Runs body(i, thread) for 0 <= i < n on all threads. If n is 1, only the calling thread works. The body must not
  // throw.
  template <typename Body>
  void for_each(int64_t n, const Body& body) {
    if (n == 1) {
      body(int64_t{0}, 0);
      return;
    }
    items.reset(n);
    pool.run([&](int thread) {
      for (int64_t i = items.claim(thread); i >= 0; i = items.claim(thread)) body(i, thread);
    });
  }

  const KernelTable& kernels;
  ThreadPool pool;
  WorkItems items;
};

}  // namespace moebius::internal::cpu
