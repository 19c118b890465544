// One sequence on a model, stepped by hand: append tokens, read logits, draft and keep. For tools that look at logits
// or measure steps, and for tests. What serves requests is the engine (moebius/engine.h).
//
//   Stepper stepper(model, backend);
//   std::vector<float> logits = stepper.append({{1, 2, 3}});  // of the last token
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
  // At position 0. Model and backend outlive it; name: of the model, for messages.
  Stepper(Model& model, Backend& backend, std::string name = "model");
  ~Stepper();
  Stepper(const Stepper&) = delete;
  Stepper& operator=(const Stepper&) = delete;

  // ---- logits on the host
  // append...() throw kUsage for ids outside the vocabulary or past the context, and while a draft is pending;
  // kNonFinite naming the first layer that broke, and then the sequence is back at position 0.

  // Appends tokens in steps of at most max_rows; logits [V] of the last one.
  std::vector<float> append(std::span<const int32_t> tokens);
  // The same with all rows of logits, [T, V].
  std::vector<float> append_all(std::span<const int32_t> tokens);
  // Appends tokens that may be taken back, in one step; logits [T, V] of all of them. keep() must follow. Throws kUsage
  // for more than draft_rows tokens.
  std::vector<float> append_draft(std::span<const int32_t> tokens);
  // Of the draft, the first `count` tokens stay: whatever follows has the bits that it would have if the others had
  // never been. Throws kUsage without a draft, or when count is not between 0 and its length.
  void keep(int64_t count);
  // One step of at most max_rows tokens; logits [rows.count, V], whatever they are.
  std::vector<float> step(std::span<const int32_t> tokens, LogitRows rows, const LayerObserver& observer = nullptr);
  // The draft head behind the first rows of the last step: next[i] follows row i. Logits [T, V] of the tokens after
  // next. The model was loaded with a draft head, and nothing else stepped it since.
  std::vector<float> step_draft_head(std::span<const int32_t> next);

  // ---- as the scheduler steps, for measurements: nothing but what is drawn is read
  void enqueue(std::span<const int32_t> tokens, LogitRows rows);
  void enqueue_draft(std::span<const int32_t> tokens);
  // Draws greedily from the logits of the last step. The tokens of a draft behind its first are compared with what is
  // drawn, and those that were not drawn are taken back. masks: one a row of logits, or none. Waits.
  const SequenceDraws& draw(std::span<const TokenMask> masks = {});
  // Back to a position: keys and values are written over, recurrent states stay as they are.
  void rewind(int64_t position);
  // Forward to a position: the keys and values of the tokens so far stand there again and again.
  void repeat_until(int64_t position);
  void reset();  // to position 0, caches empty

  [[nodiscard]] int64_t position() const { return std::ssize(tokens_); }
  [[nodiscard]] std::span<const int32_t> tokens() const { return tokens_; }  // those before position()

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
  std::vector<int32_t> tokens_;  // all that the state has seen
  int64_t drafted_ = 0;          // of these, the last that keep() has still to judge
  Sampler sampler_;              // greedy
  TokenCounts counts_;           // of nothing: greedy draws look at no history
  // Of the last step.
  int64_t first_position_ = 0;  // of its rows
  Batch batch_;
  Tensor logits_;
  SequenceDraws draws_;
};

}  // namespace moebius::internal
