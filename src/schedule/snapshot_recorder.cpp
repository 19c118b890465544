// Implements the snapshot recorder of snapshot_recorder.h.
#include "schedule/snapshot_recorder.h"

#include <algorithm>
#include <limits>

namespace moebius::internal {
namespace {

constexpr int64_t kInterval = 1024;  // the tokens between snapshots in a long text without boundaries
constexpr int64_t kRecent = 4;       // each of the last kRecent boundaries is worth a snapshot
constexpr int64_t kSpacing = 256;    // the least distance between snapshots at earlier boundaries, in tokens
constexpr int64_t kNeighbours = 32;  // when boundaries are closer than this, only the last of them gets a snapshot
constexpr size_t kMaxLogs = 2;

// Returns the positions that get a snapshot: a selection of the boundaries behind `position`, and intermediate
// positions in long stretches without a boundary.
std::vector<int64_t> stops_in(int64_t position, int64_t prompt, std::span<const int64_t> boundaries) {
  std::vector<int64_t> stops;
  int64_t left = std::ssize(boundaries);
  for (size_t i = 0; i < boundaries.size(); ++i, --left) {
    const int64_t at = boundaries[i];
    const bool has_neighbour = i + 1 < boundaries.size() && boundaries[i + 1] - at < kNeighbours;
    const int64_t last = stops.empty() ? position : stops.back();
    const bool is_far = at - last >= (left > kRecent ? kSpacing : 1);
    if (at > position && at < prompt && !has_neighbour && is_far) stops.push_back(at);
  }
  std::vector<int64_t> all;
  int64_t last = position;
  stops.push_back(prompt);
  for (const int64_t stop : stops) {
    for (; stop - last > kInterval; all.push_back(last)) last += kInterval;
    if (stop < prompt) all.push_back(stop);
    last = stop;
  }
  return all;
}

}  // namespace

SnapshotRecorder::SnapshotRecorder(KvPool& pool, int64_t position, int64_t prompt,
                                   std::span<const int64_t> boundaries) {
  if (!pool.has_recurrence()) return;
  pool_ = &pool;
  has_boundaries_ = !boundaries.empty();
  stops_ = stops_in(position, prompt, boundaries);
  next_log_ = std::max(position, prompt - kLogTokens);
}

int64_t SnapshotRecorder::next_stop(int64_t position) const {
  if (pool_ == nullptr) return std::numeric_limits<int64_t>::max();
  int64_t stop = std::numeric_limits<int64_t>::max();
  for (const int64_t at : stops_) {
    if (at > position) stop = std::min(stop, at);
  }
  return next_log_ > position ? std::min(stop, next_log_) : stop;
}

bool SnapshotRecorder::record_due(State state, std::span<const int32_t> tokens) {
  if (pool_ == nullptr) return false;
  const auto position = static_cast<int64_t>(tokens.size());
  const bool log_is_due = position >= next_log_;
  const bool stop_is_due = !stops_.empty() && stops_.front() == position;
  if (!log_is_due && !stop_is_due) return false;
  std::erase_if(stops_, [&](int64_t stop) { return stop <= position; });
  if (log_is_due) next_log_ = position + kLogTokens;
  SnapshotRef made = pool_->create_snapshot(state, position, log_is_due ? kLogTokens + kMaxStepRows : 0);
  if (!made) return false;
  if (log_is_due) {
    // The first log ends with the prompt. If the prompt has no boundaries, only this log can serve the same prompt
    // again, so it stays.
    const bool ends_the_prompt = logs_.empty() && !has_boundaries_;
    logs_.push_back({.snapshot = made, .stays = stop_is_due || ends_the_prompt});
    drop_old_log(tokens);
  }
  snapshots_.push_back(std::move(made));
  return true;
}

// Drops the oldest log when there are more than kMaxLogs. Its snapshot is dropped too, unless it stays for good: a
// snapshot that only served the newest tokens is useless once those tokens are no longer the newest.
void SnapshotRecorder::drop_old_log(std::span<const int32_t> tokens) {
  if (logs_.size() <= kMaxLogs) return;
  const Log old = logs_.front();
  logs_.erase(logs_.begin());
  if (old.stays) return;
  pool_->prefixes().forget(tokens, *old.snapshot);
  std::erase(snapshots_, old.snapshot);
}

std::optional<LogPlace> SnapshotRecorder::start_logging(int64_t position, int64_t rows) {
  is_logged_ = false;
  if (logs_.empty()) return std::nullopt;
  const Snapshot& newest = *logs_.back().snapshot;
  if (position != newest.covered() || position + rows > newest.end()) return std::nullopt;
  is_logged_ = true;
  return newest.log_place(position, rows);
}

void SnapshotRecorder::extend_cover(int64_t position) {
  if (is_logged_) logs_.back().snapshot->extend_cover(position);
}

void SnapshotRecorder::stop() { *this = SnapshotRecorder(); }

}  // namespace moebius::internal
