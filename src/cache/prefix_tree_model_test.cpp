// Compares the prefix tree with a naive model of it. Random sequences start from hits, grow, are inserted and end.
// Meanwhile the tree evicts entries or is cleared. The model is a list of everything that was inserted, and it searches
// this list by brute force.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>
#include <tuple>

#include "cache/testing/prefix.h"

namespace moebius::internal {
namespace {

using testing::insert;
using testing::is_of;
using testing::kPagePositions;
using testing::Sequence;
using testing::Snapshot;
using testing::Tokens;
using testing::Tree;

// Finds the same as the tree, as long as nothing was evicted. It holds no pages, and snapshots only weakly, so that it
// keeps nothing alive.
class NaiveCache {
 public:
  struct Best {
    int64_t tokens = 0;
    int64_t known = 0;
    int64_t position = -1;  // the position of the snapshot
  };

  void insert(const Sequence& sequence) {
    paths_.push_back(sequence.tokens);
    for (const auto& snapshot : sequence.snapshots) {
      const auto is_same = [&](const Entry& entry) { return entry.snapshot.lock() == snapshot; };
      const auto old = std::ranges::find_if(entries_, is_same);
      if (old == entries_.end()) {
        entries_.push_back({snapshot, snapshot->at, sequence.tokens});
      } else if (common_length(old->path, sequence.tokens) == std::ssize(old->path)) {
        old->path = sequence.tokens;
      }
    }
  }

  [[nodiscard]] Best find(const Tokens& prompt, int64_t max_tokens, bool needs_snapshots) const {
    Best best;
    for (const Tokens& path : paths_) best.known = std::max(best.known, common_length(path, prompt));
    if (!needs_snapshots) best.tokens = std::min(best.known, max_tokens);
    for (const Entry& entry : entries_) {
      const int64_t position = entry.position;
      const int64_t tokens = std::min({max_tokens, reach(entry), common_length(entry.path, prompt)});
      const bool is_usable = tokens > 0 && tokens >= position;
      if (is_usable && std::tie(tokens, position) > std::tie(best.tokens, best.position)) {
        best.tokens = tokens;
        best.position = position;
      }
    }
    return best;
  }

 private:
  struct Entry {
    std::weak_ptr<Snapshot> snapshot;
    int64_t position = 0;
    Tokens path;
  };
  static int64_t reach(const Entry& entry) {
    const auto snapshot = entry.snapshot.lock();
    return snapshot ? std::min(std::ssize(snapshot->tokens), std::ssize(entry.path)) : 0;
  }

  std::vector<Tokens> paths_;
  std::vector<Entry> entries_;  // all snapshots ever inserted; redundant ones do not change what is found
};

MissReason reason_of(const NaiveCache::Best& best, int64_t max_tokens) {
  if (best.tokens == max_tokens) return MissReason::kNone;
  if (best.known == 0) return MissReason::kNothingCached;
  return best.tokens == best.known ? MissReason::kDiverged : MissReason::kNoSnapshot;
}

struct Step {
  int action = 0;
  int choice = 0;    // selects the sequence, and how many tokens are wanted
  Tokens tokens;     // tokens of a small alphabet
  Tokens snapshots;  // one number for each token: 0 takes a snapshot before this token
};

// rapidcheck calls this to print a failing step.
std::ostream& operator<<(std::ostream& os, const Step& step) {
  os << "{" << step.action << ", " << step.choice << ", ";
  rc::show(step.tokens, os);
  rc::show(step.snapshots, os);
  return os << "}";
}

rc::Gen<Step> any_step() {
  const auto tokens = rc::gen::container<Tokens>(rc::gen::weightedElement<int32_t>({{6, 0}, {3, 1}, {1, 2}}));
  const auto snapshots = rc::gen::container<Tokens>(24, rc::gen::inRange(0, 5));
  return rc::gen::build<Step>(
      rc::gen::set(&Step::action, rc::gen::inRange(0, 40)), rc::gen::set(&Step::choice, rc::gen::inRange(0, 1000)),
      rc::gen::set(&Step::tokens, rc::gen::resize(20, tokens)), rc::gen::set(&Step::snapshots, snapshots));
}

// Uses the tree as an engine does, but without a language model.
class Machine {
 public:
  explicit Machine(Tree::Options options) : tree_(options), needs_snapshots_(options.needs_snapshots) {}

  static bool is_eviction(const Step& step) { return step.action >= 21 && step.action < 24; }

  void perform(const Step& step) {
    if (step.action < 12) return start_sequence(step);
    if (step.action < 20) return static_cast<void>(find(prompt_of(step), step.choice));
    if (step.action == 20) return clear_cache();
    if (is_eviction(step)) return evict_one();
    if (running_.empty()) return;
    const size_t which = step.choice % running_.size();
    Running& sequence = running_[which];
    if (step.action < 30) return grow_sequence(sequence, step);
    if (step.action == 30) return static_cast<void>(sequence.is_log_open = false);
    if (step.action < 36) return insert_running(sequence);
    running_.erase(running_.begin() + which);
  }

  void finish_by_evicting() {
    running_.clear();
    while (tree_.nodes() + tree_.snapshots() > 0) {
      const int64_t before = tree_.tokens() + tree_.snapshots();
      RC_ASSERT(tree_.evict_one());
      RC_ASSERT(tree_.tokens() + tree_.snapshots() < before);
    }
    RC_ASSERT(!tree_.evict_one());
    RC_ASSERT(budget_.used() == 0);
  }

  void finish_by_clearing() {
    running_.clear();
    clear_cache();
    RC_ASSERT(tree_.nodes() + tree_.tokens() + tree_.snapshots() == 0);
    RC_ASSERT(budget_.used() == 0);
  }

 private:
  struct Running {
    Sequence own;
    std::shared_ptr<Snapshot> origin;  // the snapshot that the sequence started from; the sequence did not record it
    bool is_log_open = false;          // whether the log of the newest snapshot grows with each token
  };

  // Half of the prompts continue a part of an earlier sequence.
  [[nodiscard]] Tokens prompt_of(const Step& step) const {
    if (history_.empty() || step.choice % 2 == 0) return step.tokens;
    const Tokens& earlier = history_[step.choice % history_.size()];
    Tokens prompt(earlier.begin(), earlier.begin() + step.choice % (std::ssize(earlier) + 1));
    prompt.insert(prompt.end(), step.tokens.begin(), step.tokens.end());
    return prompt;
  }

  Tree::Match find(const Tokens& prompt, int64_t choice) {
    const int64_t max_tokens = choice % (std::ssize(prompt) + 1);
    const Tree::Match match = tree_.find(prompt, max_tokens);
    RC_ASSERT(is_of(match, prompt));
    RC_ASSERT(match.tokens <= max_tokens && match.tokens <= match.known);
    RC_ASSERT((match.snapshot != nullptr) == (needs_snapshots_ && match.tokens > 0));
    const NaiveCache::Best best = naive_.find(prompt, max_tokens, needs_snapshots_);
    RC_ASSERT(match.known <= best.known);
    if (has_evicted_) return match;
    RC_ASSERT(match.tokens == best.tokens);
    RC_ASSERT(match.known == best.known);
    RC_ASSERT(match.reason == reason_of(best, max_tokens));
    if (match.snapshot) RC_ASSERT(match.snapshot->at == best.position);
    return match;
  }

  void start_sequence(const Step& step) {
    Step rest = step;
    rest.tokens = prompt_of(step);
    const Tree::Match match = find(rest.tokens, step.choice);
    Running sequence{.own = {{rest.tokens.begin(), rest.tokens.begin() + match.tokens}, match.pages, {}},
                     .origin = match.snapshot};
    if (const int64_t written = match.tokens % kPagePositions; written > 0) {
      const Tokens& page = match.pages.back()->tokens;
      sequence.own.pages.back().reset(
          new testing::Page{testing::Holding(budget_), {page.begin(), page.begin() + written}});
    }
    rest.tokens.erase(rest.tokens.begin(), rest.tokens.begin() + match.tokens);
    grow_sequence(sequence, rest);
    insert_running(sequence);
    if (step.choice % 3 == 0) running_.push_back(std::move(sequence));
  }

  void grow_sequence(Running& sequence, const Step& step) {
    for (size_t i = 0; i < step.tokens.size(); ++i) {
      const int64_t position = std::ssize(sequence.own.tokens);
      if (needs_snapshots_ && step.snapshots[i % step.snapshots.size()] == 0) {
        if (sequence.own.snapshots.empty() || sequence.own.snapshots.back()->at != position) {
          sequence.own.record_snapshot(budget_, position, position);
        }
        sequence.is_log_open = step.choice % 4 != 0 && sequence.own.snapshots.back()->covered() == position;
      }
      sequence.own.append(budget_, step.tokens[i]);
      if (sequence.is_log_open) sequence.own.snapshots.back()->tokens.push_back(step.tokens[i]);
    }
  }

  void insert_running(const Running& sequence) {
    insert(tree_, sequence.own);
    naive_.insert(sequence.own);
    history_.push_back(sequence.own.tokens);
  }

  void evict_one() {
    const int64_t before = tree_.tokens() + tree_.snapshots();
    const bool has_dropped = tree_.evict_one();
    RC_ASSERT(has_dropped == (tree_.tokens() + tree_.snapshots() < before));
    has_evicted_ = has_evicted_ || has_dropped;
  }

  void clear_cache() {
    tree_.clear();
    naive_ = NaiveCache();
    has_evicted_ = false;
  }

  MemoryBudget budget_{1'000'000};
  Tree tree_;
  bool needs_snapshots_;
  NaiveCache naive_;
  bool has_evicted_ = false;
  std::vector<Running> running_;
  std::vector<Tokens> history_;
};

bool agrees_with_naive_cache(bool needs_snapshots) {
  return rc::check([=] {
    const bool evicts = *rc::gen::arbitrary<bool>();
    const auto steps = *rc::gen::scale(4, rc::gen::container<std::vector<Step>>(any_step()));
    Machine machine({.page_positions = kPagePositions, .needs_snapshots = needs_snapshots});
    for (const Step& step : steps) {
      if (evicts || !Machine::is_eviction(step)) machine.perform(step);
    }
    evicts ? machine.finish_by_evicting() : machine.finish_by_clearing();
  });
}

TEST(PrefixTreeModel, finds_what_brute_force_finds_and_hands_out_only_what_belongs_to_the_prompt) {
  EXPECT_TRUE(agrees_with_naive_cache(true));
}

TEST(PrefixTreeModel, does_so_for_a_model_without_recurrent_state) { EXPECT_TRUE(agrees_with_naive_cache(false)); }

}  // namespace
}  // namespace moebius::internal
