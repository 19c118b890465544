// Pages and checkpoints that remember the tokens they were computed from, so that a test can see whether what the
// prefix tree hands out belongs to the prompt; and sequences that write them as an engine would.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "cache/memory_budget.h"
#include "cache/prefix_tree.h"

namespace moebius::testing {

using Tokens = std::vector<int32_t>;
constexpr int64_t kPagePositions = 4;

// One byte of the budget for as long as it lives.
class Holding {
 public:
  explicit Holding(MemoryBudget& budget) : budget_(budget) { MOEBIUS_CHECK(budget.try_take(1)); }
  Holding(const Holding&) = delete;
  Holding& operator=(const Holding&) = delete;
  ~Holding() { budget_.give(1); }

 private:
  MemoryBudget& budget_;
};

struct Page {
  Holding holding;
  Tokens tokens;  // of its positions, as far as they were written
};

struct Checkpoint {
  Holding holding;
  int64_t at;
  Tokens tokens;  // all from position 0 on that the snapshot and its log stand for
  mutable int64_t times_asked = 0;

  [[nodiscard]] int64_t position() const { return at; }
  [[nodiscard]] int64_t covered() const {
    ++times_asked;
    return std::ssize(tokens);
  }
};

using Tree = PrefixTree<Page, Checkpoint>;

struct Sequence {
  Tokens tokens;
  std::vector<std::shared_ptr<Page>> pages;
  std::vector<std::shared_ptr<Checkpoint>> checkpoints;

  void append(MemoryBudget& budget, int32_t token) {
    if (std::ssize(tokens) % kPagePositions == 0) pages.emplace_back(new Page{Holding(budget), {}});
    pages.back()->tokens.push_back(token);
    tokens.push_back(token);
  }

  // A snapshot at `position` whose log goes on to `covered`.
  void record(MemoryBudget& budget, int64_t position, int64_t covered) {
    checkpoints.emplace_back(new Checkpoint{Holding(budget), position, {tokens.begin(), tokens.begin() + covered}});
  }
};

inline void insert(Tree& tree, const Sequence& sequence) {
  tree.insert(sequence.tokens, sequence.pages, sequence.checkpoints);
}

// Whether pages and checkpoint of a match are those of the prompt.
inline bool is_of(const Tree::Match& match, std::span<const int32_t> prompt) {
  if (std::ssize(match.pages) != div_up(match.tokens, kPagePositions)) return false;
  for (int64_t i = 0; i < match.tokens; ++i) {
    const Tokens& written = match.pages[i / kPagePositions]->tokens;
    const int64_t place = i % kPagePositions;
    if (place >= std::ssize(written) || written[place] != prompt[i]) return false;
  }
  if (!match.checkpoint) return true;
  return match.checkpoint->at <= match.tokens && match.tokens <= std::ssize(match.checkpoint->tokens) &&
         common_length(match.checkpoint->tokens, prompt) >= match.tokens;
}

}  // namespace moebius::testing
