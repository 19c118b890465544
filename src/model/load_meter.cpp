// Progress of a load.
#include "model/load_meter.h"

#include <algorithm>

namespace moebius::internal {
namespace {

constexpr std::chrono::milliseconds kInterval{200};

}  // namespace

LoadMeter::LoadMeter(const ModelDir& directory, uint64_t bytes_total, Callback callback)
    : directory_(directory),
      bytes_total_(bytes_total),
      bytes_before_(directory.bytes_read()),
      callback_(std::move(callback)),
      thread_(std::this_thread::get_id()) {}

void LoadMeter::tick() {
  if (!callback_ || std::this_thread::get_id() != thread_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - last_ < kInterval) return;
  last_ = now;
  report();
}

void LoadMeter::finish() {
  if (callback_) report();
}

void LoadMeter::report() { callback_({std::min(directory_.bytes_read() - bytes_before_, bytes_total_), bytes_total_}); }

}  // namespace moebius::internal
