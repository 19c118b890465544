// Random sequences that start from hits, grow, are inserted, forgotten and evicted, beside a naive model of the prefix
// tree: a list of all that was inserted, searched by brute force.
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <map>
#include <tuple>

#include "cache/testing/prefix.h"

namespace moebius {
namespace {

using testing::Checkpoint;
using testing::insert;
using testing::is_of;
using testing::kPagePositions;
using testing::Sequence;
using testing::Tokens;
using testing::Tree;

// Knows what the tree knows for as long as nothing is evicted. Holds nothing.
class NaiveCache {
 public:
  struct Best {
    int64_t tokens = 0;
    int64_t known = 0;
    int64_t position = -1;  // of the checkpoint
  };

  void insert(const Sequence& sequence) {
    paths_.push_back(sequence.tokens);
    for (const auto& checkpoint : sequence.checkpoints) {
      const auto is_same = [&](const Entry& entry) { return entry.checkpoint.lock() == checkpoint; };
      const auto old = std::ranges::find_if(entries_, is_same);
      if (old == entries_.end()) {
        entries_.push_back({checkpoint, checkpoint->at, sequence.tokens});
      } else if (common_length(old->path, sequence.tokens) == std::ssize(old->path)) {
        old->path = sequence.tokens;
      }
    }
  }

  [[nodiscard]] Best find(const Tokens& prompt, int64_t max_tokens, bool needs_checkpoints) const {
    Best best;
    for (const Tokens& path : paths_) best.known = std::max(best.known, common_length(path, prompt));
    if (!needs_checkpoints) best.tokens = std::min(best.known, max_tokens);
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
    std::weak_ptr<Checkpoint> checkpoint;
    int64_t position = 0;
    Tokens path;
  };
  static int64_t reach(const Entry& entry) {
    const auto checkpoint = entry.checkpoint.lock();
    return checkpoint ? std::min(std::ssize(checkpoint->tokens), std::ssize(entry.path)) : 0;
  }

  std::vector<Tokens> paths_;
  std::vector<Entry> entries_;  // all there ever were: one that says no more than another changes nothing
};

MissReason reason_of(const NaiveCache::Best& best, int64_t max_tokens) {
  if (best.tokens == max_tokens) return MissReason::kNone;
  if (best.known == 0) return MissReason::kNothingCached;
  return best.tokens == best.known ? MissReason::kDiverged : MissReason::kNoCheckpoint;
}

struct Step {
  int action = 0;
  int choice = 0;    // which sequence; how many tokens are wanted
  Tokens tokens;     // of a small alphabet
  Tokens snapshots;  // one for each token: 0 takes a snapshot before it
};

// How rapidcheck shows a step that failed.
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

// An engine without a model.
class Machine {
 public:
  explicit Machine(Tree::Options options) : tree_(options), needs_checkpoints_(options.needs_checkpoints) {}

  static bool is_eviction(const Step& step) { return step.action >= 21 && step.action < 24; }

  void take(const Step& step) {
    if (step.action < 12) return start(step);
    if (step.action < 20) return static_cast<void>(find(prompt_of(step), step.choice));
    if (step.action == 20) return clear();
    if (is_eviction(step)) return evict();
    if (running_.empty()) return;
    const size_t which = step.choice % running_.size();
    Running& sequence = running_[which];
    if (step.action < 30) return grow(sequence, step);
    if (step.action == 30) return static_cast<void>(sequence.is_log_open = false);
    if (step.action < 36) return insert_running(sequence);
    running_.erase(running_.begin() + which);
  }

  void finish_by_evicting() {
    running_.clear();
    while (tree_.nodes() + tree_.checkpoints() > 0) {
      const int64_t before = tree_.tokens() + tree_.checkpoints();
      RC_ASSERT(tree_.evict_one());
      RC_ASSERT(tree_.tokens() + tree_.checkpoints() < before);
    }
    RC_ASSERT(!tree_.evict_one());
    RC_ASSERT(budget_.used() == 0);
  }

  void finish_by_clearing() {
    running_.clear();
    clear();
    RC_ASSERT(tree_.nodes() + tree_.tokens() + tree_.checkpoints() == 0);
    RC_ASSERT(budget_.used() == 0);
  }

 private:
  struct Running {
    Sequence own;
    std::shared_ptr<Checkpoint> origin;  // where the hit started from: held, not its own
    bool is_log_open = false;            // whether the newest checkpoint's log goes on with each token
  };

  // Half of the prompts go on from where an earlier sequence was.
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
    RC_ASSERT((match.checkpoint != nullptr) == (needs_checkpoints_ && match.tokens > 0));
    const NaiveCache::Best best = naive_.find(prompt, max_tokens, needs_checkpoints_);
    RC_ASSERT(match.known <= best.known);
    if (has_evicted_) return match;
    RC_ASSERT(match.tokens == best.tokens);
    RC_ASSERT(match.known == best.known);
    RC_ASSERT(match.reason == reason_of(best, max_tokens));
    if (match.checkpoint) RC_ASSERT(match.checkpoint->at == best.position);
    return match;
  }

  void start(const Step& step) {
    Step rest = step;
    rest.tokens = prompt_of(step);
    const Tree::Match match = find(rest.tokens, step.choice);
    Running sequence{.own = {{rest.tokens.begin(), rest.tokens.begin() + match.tokens}, match.pages, {}},
                     .origin = match.checkpoint};
    if (const int64_t written = match.tokens % kPagePositions; written > 0) {
      const Tokens& page = match.pages.back()->tokens;
      sequence.own.pages.back().reset(
          new testing::Page{testing::Holding(budget_), {page.begin(), page.begin() + written}});
    }
    rest.tokens.erase(rest.tokens.begin(), rest.tokens.begin() + match.tokens);
    grow(sequence, rest);
    insert_running(sequence);
    if (step.choice % 3 == 0) running_.push_back(std::move(sequence));
  }

  void grow(Running& sequence, const Step& step) {
    for (size_t i = 0; i < step.tokens.size(); ++i) {
      const int64_t position = std::ssize(sequence.own.tokens);
      if (needs_checkpoints_ && step.snapshots[i % step.snapshots.size()] == 0) {
        if (sequence.own.checkpoints.empty() || sequence.own.checkpoints.back()->at != position) {
          sequence.own.record(budget_, position, position);
        }
        sequence.is_log_open = step.choice % 4 != 0 && sequence.own.checkpoints.back()->covered() == position;
      }
      sequence.own.append(budget_, step.tokens[i]);
      if (sequence.is_log_open) sequence.own.checkpoints.back()->tokens.push_back(step.tokens[i]);
    }
  }

  void insert_running(const Running& sequence) {
    insert(tree_, sequence.own);
    naive_.insert(sequence.own);
    history_.push_back(sequence.own.tokens);
  }

  void evict() {
    const int64_t before = tree_.tokens() + tree_.checkpoints();
    const bool has_dropped = tree_.evict_one();
    RC_ASSERT(has_dropped == (tree_.tokens() + tree_.checkpoints() < before));
    has_evicted_ = has_evicted_ || has_dropped;
  }

  void clear() {
    tree_.clear();
    naive_ = NaiveCache();
    has_evicted_ = false;
  }

  MemoryBudget budget_{1'000'000};
  Tree tree_;
  bool needs_checkpoints_;
  NaiveCache naive_;
  bool has_evicted_ = false;
  std::vector<Running> running_;
  std::vector<Tokens> history_;
};

bool agrees_with_naive_cache(bool needs_checkpoints) {
  return rc::check([=] {
    const bool evicts = *rc::gen::arbitrary<bool>();
    const auto steps = *rc::gen::scale(4, rc::gen::container<std::vector<Step>>(any_step()));
    Machine machine({.page_positions = kPagePositions, .needs_checkpoints = needs_checkpoints});
    for (const Step& step : steps) {
      if (evicts || !Machine::is_eviction(step)) machine.take(step);
    }
    evicts ? machine.finish_by_evicting() : machine.finish_by_clearing();
  });
}

TEST(PrefixTreeModel, finds_what_brute_force_finds_and_hands_out_only_what_belongs_to_the_prompt) {
  EXPECT_TRUE(agrees_with_naive_cache(true));
}

TEST(PrefixTreeModel, does_so_for_a_model_without_recurrent_state) { EXPECT_TRUE(agrees_with_naive_cache(false)); }

}  // namespace
}  // namespace moebius
