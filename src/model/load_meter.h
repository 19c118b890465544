// Progress of a load: bytes asked for against bytes read so far, reported a few times a second and from the loading
// thread only (backends read with several).
#pragma once

#include <chrono>
#include <thread>

#include "checkpoint/model_dir.h"
#include "model/model.h"

namespace moebius::internal {

class LoadMeter {
 public:
  using Callback = std::function<void(const LoadProgress&)>;

  LoadMeter(const ModelDir& directory, uint64_t bytes_total, Callback callback);
  // After a read, by any thread.
  void tick();
  // The last report: everything is there.
  void finish();

 private:
  void report();

  const ModelDir& directory_;
  uint64_t bytes_total_;
  uint64_t bytes_before_;
  Callback callback_;
  std::thread::id thread_;
  std::chrono::steady_clock::time_point last_;
};

}  // namespace moebius::internal
