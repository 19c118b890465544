// Drafts of the model's own draft head (MTP), for several streams at once. The head has keys and values of its own, in
// the same pages: for every token the pair of its hidden state and the token behind it. A stream that does not draft
// lets its pairs wait and takes them in together, or gives them up where that would take too long: its pages then have
// zeros there, or what was drafted once, and later drafts are worse.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "schedule/stream.h"

namespace moebius {

// Wanted: `depth` drafts of a stream that decodes. Its drafts come out.
struct HeadJob {
  Stream* stream = nullptr;
  int64_t depth = 0;
  std::vector<int32_t> drafts = {};
};

// Throws kUsage when only the draft head may draft, and the model has none.
void check_has_head(const SpeculationMode& mode, const Model& model);

class DraftHead {
 public:
  static constexpr int64_t kCatchUpFrom = 256;  // pairs that wait are taken in, or given up, before the next step
  static constexpr int64_t kMostPending = kCatchUpFrom + SpeculationMode::kMaxDepth + 1;

  // The model was loaded with a draft head.
  DraftHead(Model& model, Backend& backend);
  ~DraftHead();
  DraftHead(const DraftHead&) = delete;
  DraftHead& operator=(const DraftHead&) = delete;

  // From here on the pairs of this stream are kept; those before stream.computed are in its pages as far as they go.
  void open(Stream& stream);
  void close(Stream& stream);

  // After a step of the model, before anything else runs on it: `rows` rows of its batch from first_row on are tokens
  // of the stream that stay, the last ones that it has seen.
  void keep_hidden(int64_t first_row, int64_t rows, Stream& stream);
  // The same for the rows of a prompt, which are too many to wait. Together for all of a step: take() first, then one
  // take_in() for each.
  void take(int64_t batch_rows);
  void take_in(int64_t first_row, int64_t rows, Stream& stream);

  // Whether there is a pair that a draft can go on from: not right behind a hit, nor where a page was just filled.
  [[nodiscard]] static bool can_draft(const Stream& stream) {
    return stream.hidden.data != nullptr && pending(stream) > 0;
  }
  [[nodiscard]] static int64_t pending(const Stream& stream) { return stream.computed - stream.head_position; }
  // Pairs that wait are taken in.
  void catch_up(Stream& stream);
  // They never will be.
  void give_up(Stream& stream);
  // A draft is drawn as the model's own token would be, by the same random number: so it is likely the same.
  void draft(std::span<HeadJob> jobs);

 private:
  void run(const Stream& stream, Tensor hidden, int64_t position);
  void keep_last_pair(Stream& stream);
  void first_drafts(std::span<HeadJob*> jobs);
  void next_drafts(std::span<HeadJob*> jobs, int64_t step);
  void draw(std::span<HeadJob*> jobs, Tensor logits);

  Model& model_;
  Backend& backend_;
  Tensor batch_;               // [max_rows, D]
  std::vector<Tensor> spare_;  // Stream::hidden of streams that have ended
  std::vector<float> logits_;  // [V]
};

}  // namespace moebius
