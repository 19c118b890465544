// The snapshots of one running sequence: where in its prompt they are made, and the log of its newest tokens, which
// moves along as it goes on. Nothing is recorded for a model without recurrent state: there any token is a snapshot.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "schedule/kv_pool.h"
#include "speculate/speculation_mode.h"

namespace moebius::internal {

class SnapshotRecorder {
 public:
  // At least so many of the newest tokens can be gone back to, once there are as many; at most twice as many.
  static constexpr int64_t kLogTokens = 64;
  // Rows of the last step that is logged: a token and its drafts.
  static constexpr int64_t kMaxStepRows = 1 + SpeculationMode::kMaxDepth;

  SnapshotRecorder() = default;  // records nothing
  // position: where the sequence starts, prompt: tokens that it is given; boundaries: places in it where others may
  // part.
  SnapshotRecorder(KvPool& pool, int64_t position, int64_t prompt, std::span<const int64_t> boundaries);

  // Where a step from `position` must end at the latest, so that a snapshot can be made there.
  [[nodiscard]] int64_t next_stop(int64_t position) const;
  // The state stands behind tokens.size() tokens: makes the snapshots that are due. True when there is a new one,
  // which the prefix cache should know of.
  bool record_due(State state, std::span<const int32_t> tokens);
  // Where `rows` rows of a step from `position` are logged; nothing when they are not.
  [[nodiscard]] std::optional<LogPlace> start_logging(int64_t position, int64_t rows);
  // Of the rows of the last start_logging() those up to `position` stay.
  void extend_cover(int64_t position);
  // Lets go of everything: from now on nothing is recorded.
  void stop();

  [[nodiscard]] std::span<const SnapshotRef> snapshots() const { return snapshots_; }

 private:
  void drop_old_log(std::span<const int32_t> tokens);

  KvPool* pool_ = nullptr;
  std::vector<int64_t> stops_;  // ascending, those to come
  int64_t next_log_ = 0;        // where the next log begins
  bool has_boundaries_ = false;
  struct Log {
    SnapshotRef snapshot;
    bool stays = false;  // when its log is no longer the newest
  };
  std::vector<Log> logs_;               // the last one is written to
  std::vector<SnapshotRef> snapshots_;  // all that this sequence holds, those with a log included
  bool is_logged_ = false;              // the step under way
};

}  // namespace moebius::internal
