// Drafts of the model's own draft head (MTP), for several sequences at once. The head has keys and values of its own,
// in the same pages: for every token the pair of its hidden state and the token behind it. A sequence that does not
// draft lets its pairs wait and feeds them together, or drops them where that would take too long: its pages then have
// zeros there, or what was drafted once, and later drafts are worse.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "schedule/sequence.h"

namespace moebius::internal {

// Wanted: `depth` drafts of a sequence that decodes. Its drafts come out.
struct HeadJob {
  Sequence* sequence = nullptr;
  int64_t depth = 0;
  std::vector<int32_t> drafts = {};
};

// Rows of a step's batch that belong to a sequence and stay: the last ones that it has seen.
struct ComputedRows {
  Sequence* sequence = nullptr;
  int64_t first_row = 0;
  int64_t rows = 0;
};

// Throws kUsage when only the draft head may draft, and the model has none.
void check_has_head(const SpeculationMode& mode, const Model& model);

class DraftHead {
 public:
  static constexpr int64_t kFeedFrom = 256;  // pairs that wait are fed, or dropped, before the next step
  static constexpr int64_t kMaxPending = kFeedFrom + SpeculationMode::kMaxDepth + 1;

  // The model was loaded with a draft head.
  DraftHead(Model& model, Backend& backend);
  ~DraftHead();
  DraftHead(const DraftHead&) = delete;
  DraftHead& operator=(const DraftHead&) = delete;

  // From here on the pairs of this sequence are kept; those before sequence.computed are in its pages as far as they
  // go.
  void attach(Sequence& sequence);
  void detach(Sequence& sequence);

  // After a step of the model, before anything else runs on it: the pairs of these rows wait.
  void keep_hidden(const ComputedRows& rows);
  // The same for rows of prompts, which are too many to wait: one step of the head for all of them, which ends what the
  // model left of its step. The last pair of a whole prompt waits: the first draft goes on from it.
  void feed_prompts(std::span<const ComputedRows> prompts);

  // Whether there is a pair that a draft can go on from: not right behind a hit, nor where a page was just filled.
  [[nodiscard]] static bool can_draft(const Sequence& sequence) {
    return sequence.drafts.hidden.has_memory() && pending(sequence) > 0;
  }
  [[nodiscard]] static int64_t pending(const Sequence& sequence) {
    return sequence.computed - sequence.drafts.head_position;
  }
  // Pairs that wait go through the head.
  void feed_pending(Sequence& sequence);
  // They never will.
  void drop_pending(Sequence& sequence);
  // A draft is drawn as the model's own token would be, by the same random number: so it is likely the same.
  void draft(std::span<HeadJob> jobs);

 private:
  void keep_last_pair(Sequence& sequence);
  Batch stage(std::span<const SequenceRows> sequences, std::span<const int32_t> tokens,
              std::span<const int32_t> logit_rows);
  void draft_first(std::span<HeadJob*> jobs);
  void draft_next(std::span<HeadJob*> jobs, int64_t step);
  void draw(std::span<HeadJob*> jobs, Batch batch, Tensor logits, std::span<const int32_t> last_rows);

  Model& model_;
  Memory& memory_;
  Operations& ops_;
  std::vector<Tensor> spare_;  // DraftSources::hidden of sequences that have ended
  Tensor kept_;                // i32 [kMaxLogitRows, 1], which nothing reads: the head takes nothing back
  std::vector<SequenceDraws> draws_;
};

}  // namespace moebius::internal
