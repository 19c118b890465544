// Which sources may draft tokens, and whether the caller or the engine decides how many. Drafts never change an answer.
#pragma once

#include <cstdint>

namespace moebius {

// Without a source nothing is drafted.
struct SpeculationMode {
  // Together with the confirmed token, 15 drafts make 16 rows. The kernels verify at most 16 rows in one pass.
  static constexpr int64_t kMaxDepth = 15;

  bool mtp = false;    // the draft head of the model; only some checkpoints have one
  bool ngram = false;  // the tokens that followed the same few tokens earlier in the text
  int64_t depth = 0;   // the number of drafted tokens of every step, with one source alone; 0: the engine chooses it

  [[nodiscard]] bool off() const { return !mtp && !ngram; }
  bool operator==(const SpeculationMode&) const = default;
};

// All sources. The engine drafts where it finds that drafts pay.
inline constexpr SpeculationMode kSpeculateFreely = {.mtp = true, .ngram = true};

}  // namespace moebius
