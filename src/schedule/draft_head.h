// Makes drafts with the model's own draft head (MTP), for several sequences at once. The head has its own keys and
// values, in the same pages. For every token it takes in a pair: the hidden state of the token, and the next token. The
// pairs of a sequence that does not draft are pending. They are later fed together, or dropped when feeding would take
// too long. The pages then have zeros or old drafts at the positions of the dropped pairs, and later drafts are worse.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "schedule/sequence.h"

namespace moebius::internal {

// Asks for `depth` drafts for a sequence that decodes. draft() fills `drafts`, possibly with fewer drafts.
struct HeadJob {
  Sequence* sequence = nullptr;
  int64_t depth = 0;
  std::vector<int32_t> drafts = {};
};

// The rows of a step's batch that belong to one sequence and stay, without rejected drafts. They are the last rows that
// the state of the sequence has seen.
struct ComputedRows {
  Sequence* sequence = nullptr;
  int64_t first_row = 0;
  int64_t rows = 0;
};

// Throws kUsage when the draft head is the only allowed source of drafts and the model has no draft head.
void check_has_head(const SpeculationMode& mode, const Model& model);

class DraftHead {
 public:
  static constexpr int64_t kFeedFrom = 256;  // so many pending pairs are fed or dropped before the next step
  static constexpr int64_t kMaxPending = kFeedFrom + SpeculationMode::kMaxDepth + 1;

  // The model must have been loaded with a draft head.
  DraftHead(Model& model, Backend& backend);
  ~DraftHead();
  DraftHead(const DraftHead&) = delete;
  DraftHead& operator=(const DraftHead&) = delete;

  // Starts to keep the pairs of this sequence. Its pages may already have the pairs before sequence.computed; the head
  // uses those that are there.
  void attach(Sequence& sequence);
  void detach(Sequence& sequence);

  // Makes the pairs of these rows pending. Must be called after a step of the model and before anything else runs on
  // the model, because it copies the hidden states of that step.
  void keep_hidden(const ComputedRows& rows);
  // Feeds the pairs of prompt rows at once, because they are too many to be pending. It runs one step of the head for
  // all prompts, which overwrites the hidden states of the model's step. When a prompt is complete, its last pair
  // becomes pending, because the first draft continues from it.
  void feed_prompts(std::span<const ComputedRows> prompts);

  // Whether there is a pending pair that a draft can continue from. There is none directly after a hit, nor when
  // feed_pending() or drop_pending() has just run at the end of a full page.
  [[nodiscard]] static bool can_draft(const Sequence& sequence) {
    return sequence.drafts.hidden.has_memory() && pending(sequence) > 0;
  }
  [[nodiscard]] static int64_t pending(const Sequence& sequence) {
    return sequence.computed - sequence.drafts.head_position;
  }
  // Runs the pending pairs through the head.
  void feed_pending(Sequence& sequence);
  // Drops the pending pairs, so that the head never sees them. The last pair stays pending, unless it ends a page.
  void drop_pending(Sequence& sequence);
  // Makes the drafts of the jobs. A draft is drawn like the model's own token, with the same random number, so the two
  // are likely to be equal.
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
  std::vector<Tensor> spare_;  // DraftSources::hidden of sequences that have ended; reused by attach()
  Tensor kept_;                // i32 [kMaxLogitRows, 1]; an output that nobody reads, as the head takes back no rows
  std::vector<SequenceDraws> draws_;
};

}  // namespace moebius::internal
