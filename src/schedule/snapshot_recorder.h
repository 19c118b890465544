// Records the snapshots of one running sequence. It decides at which positions of the prompt snapshots are made, and it
// keeps a log of the newest tokens, which moves along as the sequence grows. It records nothing for a model without
// recurrent state, because there a hit may end at any token without a snapshot.
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
  // The logs reach back over at least this many of the newest tokens, once the sequence has so many, and over at most
  // twice as many.
  static constexpr int64_t kLogTokens = 64;
  // The most rows of the last step that fits into a log: one token and its drafts.
  static constexpr int64_t kMaxStepRows = 1 + SpeculationMode::kMaxDepth;

  SnapshotRecorder() = default;  // records nothing
  // The sequence starts at `position`, behind its reused tokens. `prompt` is the number of its prompt tokens.
  // `boundaries` are the positions in the prompt where other sequences may part from this one.
  SnapshotRecorder(KvPool& pool, int64_t position, int64_t prompt, std::span<const int64_t> boundaries);

  // Returns the last position at which a step from `position` may end, so that the next snapshot can be made there.
  [[nodiscard]] int64_t next_stop(int64_t position) const;
  // Makes the snapshot that is due, if any. The state must stand behind tokens.size() tokens. Returns true when there
  // is a new snapshot; the caller then inserts it into the prefix cache.
  bool record_due(State state, std::span<const int32_t> tokens);
  // Returns where the log takes `rows` rows of a step from `position`. Returns nothing when the step is not logged.
  [[nodiscard]] std::optional<LogPlace> start_logging(int64_t position, int64_t rows);
  // Declares that the rows of the last start_logging() are valid up to `position`. Later rows were rejected drafts.
  void extend_cover(int64_t position);
  // Releases all snapshots. The recorder records nothing from now on.
  void stop();

  [[nodiscard]] std::span<const SnapshotRef> snapshots() const { return snapshots_; }

 private:
  void drop_old_log(std::span<const int32_t> tokens);

  KvPool* pool_ = nullptr;
  std::vector<int64_t> stops_;  // ascending positions where snapshots are still to be made
  int64_t next_log_ = 0;        // the position where the next log begins
  bool has_boundaries_ = false;
  struct Log {
    SnapshotRef snapshot;
    bool stays = false;  // whether the snapshot is kept when its log is no longer among the newest
  };
  std::vector<Log> logs_;               // steps are logged to the last one
  std::vector<SnapshotRef> snapshots_;  // all snapshots that this sequence holds, with and without a log
  bool is_logged_ = false;              // whether the current step is logged
};

}  // namespace moebius::internal
