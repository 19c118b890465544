// A Stepper runs one sequence on a model by hand: append tokens, read logits, append a draft and keep a part of it.
// Tests use it, and tools that look at logits or measure steps. Requests are served by the engine (moebius/engine.h).
//
//   Stepper stepper(model, backend);
//   std::vector<float> logits = stepper.append({{1, 2, 3}});  // the logits of the last token
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "model/model.h"
#include "sample/draw_sequence.h"

namespace moebius::internal {

// Rows [first, first + count) of a step, whose logits are wanted.
struct LogitRows {
  int64_t first = 0;
  int64_t count = 0;
};

class Stepper {
 public:
  // Starts at position 0. The model and the backend must outlive the stepper. name: the model's name in messages.
  Stepper(Model& model, Backend& backend, std::string name = "model");
  ~Stepper();
  Stepper(const Stepper&) = delete;
  Stepper& operator=(const Stepper&) = delete;

  // ---- logits on the host
  // Each append function throws kUsage for ids outside the vocabulary, for tokens past the context, and while a draft
  // is pending. It throws kNonFinite, naming the first layer that broke, when logits are not finite. The sequence is
  // then back at position 0.

  // Appends tokens in steps of at most max_rows. Returns the logits [V] of the last token.
  std::vector<float> append(std::span<const int32_t> tokens);
  // Appends tokens like append(). Returns the logits [T, V] of all of them.
  std::vector<float> append_all(std::span<const int32_t> tokens);
  // Appends, in one step, tokens that may be taken back. Returns the logits [T, V] of all of them. The caller must call
  // keep() next. Throws kUsage for more than draft_rows tokens.
  std::vector<float> append_draft(std::span<const int32_t> tokens);
  // Keeps the first `count` tokens of the draft. Later steps have the same bits as if the other tokens had never been
  // appended. Throws kUsage without a draft, or when count is not between 0 and the length of the draft.
  void keep(int64_t count);
  // Runs one step of at most max_rows tokens. Returns the logits [rows.count, V], which may be non-finite.
  std::vector<float> step(std::span<const int32_t> tokens, LogitRows rows, const LayerObserver& observer = nullptr);
  // Runs the draft head behind the first rows of the last step. next[i] is the token that follows row i. Returns the
  // logits [T, V] of the tokens that follow `next`. The model must have been loaded with a draft head, and nothing else
  // may have stepped the model since the last step.
  std::vector<float> step_draft_head(std::span<const int32_t> next);

  // ---- steps like those of the scheduler, for measurements: the host reads the drawn tokens and nothing else
  void enqueue(std::span<const int32_t> tokens, LogitRows rows);
  void enqueue_draft(std::span<const int32_t> tokens);
  // Draws greedily from the logits of the last step, and waits for the result. Compares the tokens of a draft, except
  // its first, with the drawn tokens, and takes back the tokens that were not drawn. masks: one per row of logits, or
  // none.
  const SequenceDraws& draw(std::span<const TokenMask> masks = {});
  // Goes back to a position. The next steps overwrite keys and values. Recurrent states stay as they are.
  void rewind(int64_t position);
  // Goes forward to a position. The keys and values of the tokens so far are repeated up to that position.
  void repeat_until(int64_t position);
  void reset();  // goes back to position 0 and empties the caches

  [[nodiscard]] int64_t position() const { return std::ssize(tokens_); }
  [[nodiscard]] std::span<const int32_t> tokens() const { return tokens_; }  // the tokens before position()

 private:
  struct Step {
    std::span<const int32_t> tokens;
    LogitRows rows;
    bool is_draft = false;
  };
  void check(std::span<const int32_t> tokens) const;
  void run(const Step& step, const LayerObserver& observer = nullptr);
  void read_finite(std::span<float> out);

  Model& model_;
  Backend& backend_;
  std::string name_;
  State state_;
  Tensor kept_;                  // i32 [1, 1]
  std::vector<int32_t> tokens_;  // every token that the state has seen
  int64_t drafted_ = 0;          // length of the pending draft: the last tokens of tokens_, before keep()
  Sampler sampler_;              // greedy
  TokenCounts counts_;           // empty: greedy draws look at no history
  // The members below describe the last step.
  int64_t first_position_ = 0;  // position of its first row
  Batch batch_;
  Tensor logits_;
  SequenceDraws draws_;
};

}  // namespace moebius::internal
