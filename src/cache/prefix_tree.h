// The prefix cache: what earlier sequences left for later ones that begin alike. It shares pages of keys and values,
// and checkpoints of recurrent state with logs that lead from them to later tokens. Their destructors free their
// memory, so the tree knows no bytes; it never looks into them either. For one thread. The tree itself is
// prefix_nodes.h.
#pragma once

#include <optional>
#include <ranges>

#include "base/check.h"
#include "cache/prefix_nodes.h"

namespace moebius {

enum class MissReason : uint8_t {
  kNone,           // all that was wanted is reused
  kNothingCached,  // known == 0
  kDiverged,       // reuse goes up to where the prompt parts from what is cached
  kNoCheckpoint,   // more is known than can be reused, as no checkpoint covers it
};

// A Checkpoint has `int64_t position() const` and `int64_t covered() const`: it stands for any number of tokens in
// [position, covered]. The position is fixed; covered may grow, never shrink.
template <typename Page, typename Checkpoint>
class PrefixTree {
 public:
  struct Options {
    int64_t page_positions = 256;
    bool needs_checkpoints = true;  // false: a model without recurrent state, where a hit may end anywhere
  };
  struct Match {
    int64_t tokens = 0;  // that can be reused: where the sequence goes on
    int64_t known = 0;   // in common with something cached, >= tokens
    // tokens / page_positions, rounded up. The last one may hold more positions than wanted: copy it before writing.
    std::vector<std::shared_ptr<Page>> pages;
    std::shared_ptr<Checkpoint> checkpoint;  // position() <= tokens <= covered(); null where none is needed
    MissReason reason = MissReason::kNone;
  };

  explicit PrefixTree(Options options) : options_(options), nodes_(options.page_positions) {
    MOEBIUS_CHECK(options.page_positions > 0);
  }
  PrefixTree(const PrefixTree&) = delete;
  PrefixTree& operator=(const PrefixTree&) = delete;
  ~PrefixTree() = default;

  // The longest reuse of at most `max_tokens` tokens, and of equal ones that with the least to replay. What it uses
  // counts as used now. Takes time with the length of the prompt and of the logs along it, not with the size of the
  // tree.
  Match find(std::span<const int32_t> tokens, int64_t max_tokens) {
    max_tokens = std::clamp<int64_t>(max_tokens, 0, std::ssize(tokens));
    const Walk walk = nodes_.walk(tokens);
    const Hit hit = longest(walk, tokens.first(std::min(max_tokens, walk.length)));
    Match match;
    match.tokens = hit.tokens;
    match.known = walk.length;
    match.pages = use_pages(walk, hit.tokens);
    if (hit.kept) {
      match.checkpoint = hit.kept->checkpoint;
      hit.kept->used = clock_;
    }
    if (match.tokens < max_tokens) {
      match.reason = match.known == 0              ? MissReason::kNothingCached
                     : match.tokens == match.known ? MissReason::kDiverged
                                                   : MissReason::kNoCheckpoint;
    }
    return match;
  }

  // The pages cover the tokens; positions that were inserted are never written again. Each checkpoint was recorded on
  // these tokens, up to covered() or as far as they go; it is given again when both went on. What is there already
  // stays: the older page, and of two checkpoints at one position whose logs agree the one that covers more; where many
  // conversations part, each has its own. Drops no tokens.
  void insert(std::span<const int32_t> tokens, std::span<const std::shared_ptr<Page>> pages,
              std::span<const std::shared_ptr<Checkpoint>> checkpoints) {
    MOEBIUS_CHECK(std::ssize(pages) == nodes_.pages_of(std::ssize(tokens)));
    MOEBIUS_CHECK(options_.needs_checkpoints || checkpoints.empty());
    totals_.reset();
    Walk walk = nodes_.walk(tokens);
    if (walk.length < std::ssize(tokens)) {
      Node& last = *walk.nodes.back();
      if (walk.length < last.end()) nodes_.split(last, walk.length);
      const int64_t first_page = nodes_.page_of(walk.length);
      walk.nodes.push_back(&nodes_.add(last, tokens.subspan(walk.length), pages.subspan(first_page)));
    }
    ++clock_;
    for (Node* node : walk.nodes) node->used = clock_;
    if (checkpoints.empty()) return;
    const auto path = std::make_shared<const std::vector<int32_t>>(tokens.begin(), tokens.end());
    for (const auto& checkpoint : checkpoints) keep(walk, {checkpoint, path});
  }

  // Drops a checkpoint or a leaf: what was used longest ago, among those with something that only the tree holds.
  // Tokens that no hit can reach after this go with it. False: nothing would be freed by dropping anything.
  bool evict_one() {
    const Victim victim = oldest();
    if (!victim.node) return false;
    totals_.reset();
    if (victim.checkpoint) {
      const auto dropped = victim.node->checkpoints.extract(*victim.checkpoint);
      trim(nodes_.walk(*dropped.mapped().path).nodes.back());
    } else {
      trim(&nodes_.remove(*victim.node));
    }
    return true;
  }

  // A checkpoint on the path of these tokens that its maker wants nobody to go back to. Tokens stay, so later ones of
  // the path should still be reached from others.
  void forget(std::span<const int32_t> tokens, const Checkpoint& checkpoint) {
    for (Node* node : nodes_.walk(tokens).nodes) {
      const auto [first, last] = node->checkpoints.equal_range(checkpoint.position());
      const auto is_it = [&](const auto& entry) { return entry.second.checkpoint.get() == &checkpoint; };
      if (const auto found = std::find_if(first, last, is_it); found != last) {
        node->checkpoints.erase(found);
        totals_.reset();
        return;
      }
    }
  }

  void clear() {
    totals_.reset();
    nodes_.clear();
  }

  [[nodiscard]] int64_t nodes() const { return std::ssize(nodes_.all()) - 1; }  // the root is not counted
  [[nodiscard]] int64_t tokens() const { return totals().tokens; }
  [[nodiscard]] int64_t checkpoints() const { return totals().checkpoints; }

 private:
  using Nodes = PrefixNodes<Page, Checkpoint>;
  using Node = typename Nodes::Node;
  using Walk = typename Nodes::Walk;
  using Kept = KeptCheckpoint<Checkpoint>;
  struct Hit {
    int64_t tokens = 0;
    Kept* kept = nullptr;
  };
  struct Totals {
    int64_t tokens = 0;
    int64_t checkpoints = 0;
  };
  struct Victim {
    Node* node = nullptr;
    std::optional<typename Node::Checkpoints::iterator> checkpoint;  // none: the whole leaf
    uint64_t used = UINT64_MAX;
  };

  // Asked after every step, while the tree changes every few dozen.
  [[nodiscard]] const Totals& totals() const {
    if (!totals_) totals_ = {nodes_.sum(&Node::tokens), nodes_.sum(&Node::checkpoints)};
    return *totals_;
  }

  // Goes through the checkpoints along the walk from the last to the first: of equal hits the greatest position wins.
  [[nodiscard]] Hit longest(const Walk& walk, std::span<const int32_t> tokens) const {
    if (!options_.needs_checkpoints) return {.tokens = std::ssize(tokens)};
    Hit best;
    for (Node* node : walk.nodes | std::views::reverse) {
      for (auto next = node->checkpoints.upper_bound(std::ssize(tokens)); next != node->checkpoints.begin();) {
        auto& [position, kept] = *--next;
        const int64_t end = std::min<int64_t>(kept.reach(), std::ssize(tokens));
        if (end <= best.tokens) continue;
        const auto log = std::span(*kept.path).first(end).subspan(position);
        const int64_t length = position + common_length(log, tokens.subspan(position));
        if (length > best.tokens) best = {length, &kept};
      }
    }
    return best;
  }

  // Of a page that two nodes have, the deeper one's holds the positions of both; the upper one's is right up to the
  // upper node's end, and then another branch may go on in it. So the deepest node that the hit enters has the last
  // word.
  std::vector<std::shared_ptr<Page>> use_pages(const Walk& walk, int64_t tokens) {
    ++clock_;
    std::vector<std::shared_ptr<Page>> pages(nodes_.pages_of(tokens));
    for (Node* node : walk.nodes) {
      if (node->start >= tokens) break;
      node->used = clock_;
      const int64_t first = nodes_.page_of(node->start);
      std::copy_n(node->pages.begin(), std::min(std::ssize(node->pages), std::ssize(pages) - first),
                  pages.begin() + first);
    }
    return pages;
  }

  void keep(const Walk& walk, Kept added) {
    const int64_t position = added.checkpoint->position();
    MOEBIUS_CHECK(position >= 0 && position <= std::ssize(*added.path) && added.checkpoint->covered() >= position);
    Node& home = **std::ranges::lower_bound(walk.nodes, position, {}, &Node::end);
    const auto [first, last] = home.checkpoints.equal_range(position);
    const auto found = std::find_if(first, last, [&](const auto& entry) { return agree(entry.second, added); });
    Kept& kept = found == last ? home.checkpoints.emplace(position, Kept{})->second : found->second;
    if (!kept.checkpoint || is_better(added, kept)) kept = std::move(added);
    kept.used = clock_;
  }

  // Whether one says nothing that the other does not.
  static bool agree(const Kept& a, const Kept& b) {
    const int64_t length = std::min(a.reach(), b.reach());
    return a.checkpoint == b.checkpoint || common_length(std::span(*a.path).first(length), *b.path) >= length;
  }

  // The same checkpoint again: its sequence went on, unless another one did that only started from it.
  static bool is_better(const Kept& added, const Kept& kept) {
    if (added.checkpoint != kept.checkpoint) return added.reach() > kept.reach();
    const int64_t length = std::ssize(*kept.path);
    return std::ssize(*added.path) > length && common_length(*kept.path, *added.path) == length;
  }

  // Of equally old ones a checkpoint goes before its leaf, and a lower position before a higher.
  Victim oldest() {
    Victim victim;
    for (Node& node : nodes_.all()) {
      for (auto entry = node.checkpoints.begin(); entry != node.checkpoints.end(); ++entry) {
        const Kept& kept = entry->second;
        if (kept.used < victim.used && kept.checkpoint.use_count() == 1) victim = {&node, entry, kept.used};
      }
      if (node.used < victim.used && node.is_leaf() && nodes_.is_only_holder(node)) victim = {&node, {}, node.used};
    }
    return victim;
  }

  // Drops the end of a path that no hit can reach any more.
  void trim(Node* node) {
    const std::vector<int32_t> tokens = nodes_.tokens_to(*node);
    const int64_t reach = longest(nodes_.walk(tokens), tokens).tokens;
    while (node->is_leaf() && node->start >= reach) node = &nodes_.remove(*node);
    if (node->is_leaf() && node->end() > reach) nodes_.cut(*node, reach);
  }

  Options options_;
  Nodes nodes_;
  uint64_t clock_ = 0;
  mutable std::optional<Totals> totals_;  // none: something changed
};

}  // namespace moebius
