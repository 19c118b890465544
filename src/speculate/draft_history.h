// What is remembered of one stream's drafts: how often each source's come true, and when a source that is not used is
// worth another look. Belongs to the stream; planner.h reads it and writes to it.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "speculate/acceptance.h"

namespace moebius {

// Drafts of one source that met the truth: in a step that verified them, or beside it, when tokens that came anyway
// were compared with what the source would have said. (Prompt look-up can be watched like that for nothing.)
struct DraftTrial {
  int64_t drafted = 0;
  int64_t accepted = 0;
};

class DraftHistory {
 public:
  // Steps between two looks at an unused source: doubled by every failure, so that one that never comes true costs
  // ever less, and bounded, so that one that has become good is found within a hundred tokens or two.
  static constexpr int64_t kFirstPause = 4;
  static constexpr int64_t kMaxPause = 64;

  [[nodiscard]] const Acceptance& acceptance(DraftSource source) const { return of(source).acceptance; }
  [[nodiscard]] bool is_due(DraftSource source) const { return of(source).idle >= of(source).pause; }

  // Once for every step of the stream and source; drafted 0: the source was not tried.
  void observe(DraftSource source, const DraftTrial& trial) {
    Source& known = sources_[static_cast<size_t>(source)];
    ++known.idle;
    if (trial.drafted == 0) return;
    known.idle = 0;
    known.pause = trial.accepted > 0 ? 1 : std::min(std::max(kFirstPause, known.pause * 2), kMaxPause);
    known.acceptance.observe(trial.drafted, trial.accepted);
  }

 private:
  struct Source {
    Acceptance acceptance;
    int64_t idle = 0;  // steps since it was tried
    int64_t pause = kFirstPause;
  };

  [[nodiscard]] const Source& of(DraftSource source) const { return sources_[static_cast<size_t>(source)]; }

  std::array<Source, kDraftSources> sources_;
};

}  // namespace moebius
