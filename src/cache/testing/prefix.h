// For tests: pages and snapshots that remember the tokens they were computed from. With them a test can check that the
// pages and the snapshot of a match belong to the prompt. `Sequence` writes pages and snapshots as an engine would.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "cache/memory_budget.h"
#include "cache/prefix_tree.h"

namespace moebius::internal::testing {

using Tokens = std::vector<int32_t>;
constexpr int64_t kPagePositions = 4;

// Reserves one byte of the budget, and gives the byte back when it is destroyed.
class Holding {
 public:
  explicit Holding(MemoryBudget& budget) : budget_(budget) { MOEBIUS_CHECK(budget.try_reserve(1)); }
  Holding(const Holding&) = delete;
  Holding& operator=(const Holding&) = delete;
  ~Holding() { budget_.release(1); }

 private:
  MemoryBudget& budget_;
};

struct Page {
  Holding holding;
  Tokens tokens;  // the tokens of those positions of the page that were written
};

struct Snapshot {
  Holding holding;
  int64_t at;
  Tokens tokens;  // all tokens, from position 0 on, that the snapshot and its log cover
  mutable int64_t times_asked = 0;

  [[nodiscard]] int64_t position() const { return at; }
  [[nodiscard]] int64_t covered() const {
    ++times_asked;
    return std::ssize(tokens);
  }
};

using Tree = PrefixTree<Page, Snapshot>;

struct Sequence {
  Tokens tokens;
  std::vector<std::shared_ptr<Page>> pages;
  std::vector<std::shared_ptr<Snapshot>> snapshots;

  void append(MemoryBudget& budget, int32_t token) {
    if (std::ssize(tokens) % kPagePositions == 0) pages.emplace_back(new Page{Holding(budget), {}});
    pages.back()->tokens.push_back(token);
    tokens.push_back(token);
  }

  // Takes a snapshot at `position` whose log reaches `covered`.
  void record_snapshot(MemoryBudget& budget, int64_t position, int64_t covered) {
    snapshots.emplace_back(new Snapshot{Holding(budget), position, {tokens.begin(), tokens.begin() + covered}});
  }
};

inline void insert(Tree& tree, const Sequence& sequence) {
  tree.insert(sequence.tokens, sequence.pages, sequence.snapshots);
}

// Whether the pages and the snapshot of a match belong to the prompt.
inline bool is_of(const Tree::Match& match, std::span<const int32_t> prompt) {
  if (std::ssize(match.pages) != div_up(match.tokens, kPagePositions)) return false;
  for (int64_t i = 0; i < match.tokens; ++i) {
    const Tokens& written = match.pages[i / kPagePositions]->tokens;
    const int64_t place = i % kPagePositions;
    if (place >= std::ssize(written) || written[place] != prompt[i]) return false;
  }
  if (!match.snapshot) return true;
  return match.snapshot->at <= match.tokens && match.tokens <= std::ssize(match.snapshot->tokens) &&
         common_length(match.snapshot->tokens, prompt) >= match.tokens;
}

}  // namespace moebius::internal::testing
