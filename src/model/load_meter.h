// Reports the progress of a load, a few times a second: the bytes read so far, and the bytes of all tensors that are
// asked for. Backends read with several threads, but only the loading thread makes reports.
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
  // Any thread calls it after a read.
  void tick();
  // Makes the last report, when everything is read.
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
