// What a sequence remembers of its drafts: how often the drafts of each source were accepted, and when the exploration
// of an unused source is due. Each sequence owns one history. The planner (planner.h) reads and updates them, and keeps
// one more for all sequences together.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "speculate/acceptance.h"

namespace moebius::internal {

// Drafts of one source that were compared with the tokens that plain decoding draws. Usually the model verified them in
// a step. Drafts of prompt look-up are free, so they are also compared with the tokens of steps that did not
// verify them.
struct DraftTrial {
  int64_t drafted = 0;
  int64_t accepted = 0;
};

class DraftHistory {
 public:
  // The number of steps between two explorations of an unused source. Every failure doubles the pause, so that a source
  // that is never right costs less and less. kMaxPause bounds it, so that a source that has become good is found within
  // one or two hundred tokens.
  static constexpr int64_t kFirstPause = 4;
  static constexpr int64_t kMaxPause = 64;

  [[nodiscard]] const Acceptance& acceptance(DraftSource source) const { return record_of(source).acceptance; }
  [[nodiscard]] bool is_exploration_due(DraftSource source) const {
    return record_of(source).idle_steps >= record_of(source).pause_steps;
  }

  // Is called once for every source in every step of the sequence. trial.drafted is 0 when the source was not tried.
  void observe(DraftSource source, const DraftTrial& trial) {
    SourceRecord& record = records_[static_cast<size_t>(source)];
    ++record.idle_steps;
    if (trial.drafted == 0) return;
    record.idle_steps = 0;
    const int64_t longer_pause = std::min(std::max(kFirstPause, record.pause_steps * 2), kMaxPause);
    record.pause_steps = trial.accepted > 0 ? 1 : longer_pause;
    record.acceptance.observe(trial.drafted, trial.accepted);
  }

 private:
  struct SourceRecord {
    Acceptance acceptance;
    int64_t idle_steps = 0;  // the number of steps since the source was last tried
    int64_t pause_steps = kFirstPause;
  };

  [[nodiscard]] const SourceRecord& record_of(DraftSource source) const {
    return records_[static_cast<size_t>(source)];
  }

  std::array<SourceRecord, kDraftSources> records_;
};

}  // namespace moebius::internal
