// The prefix cache. It lets a sequence reuse what earlier sequences with the same beginning computed: pages of keys and
// values, and snapshots of recurrent state. A snapshot has a log that leads from its position to later tokens. The tree
// never looks into pages and snapshots. It counts no bytes, because the destructors of pages and snapshots free their
// memory. The tree may be used by one thread only. The nodes of the tree live in prefix_nodes.h.
#pragma once

#include <optional>
#include <ranges>

#include "base/check.h"
#include "cache/prefix_nodes.h"

namespace moebius::internal {

enum class MissReason : uint8_t {
  kNone,           // nothing was missed: all wanted tokens are reused
  kNothingCached,  // no cached sequence starts like the prompt
  kDiverged,       // all tokens up to where the prompt leaves the cached sequences are reused
  kNoSnapshot,     // more tokens are known than can be reused, because no snapshot covers them
};

// A Snapshot has `int64_t position() const` and `int64_t covered() const`. With its log it can restore the state behind
// any number of tokens in [position, covered]. The position never changes; covered may grow but not shrink.
template <typename Page, typename Snapshot>
class PrefixTree {
 public:
  struct Options {
    int64_t page_positions = 256;
    // Whether the model has recurrent state. Without it, a hit may end at any token and needs no snapshot.
    bool needs_snapshots = true;
  };
  struct Match {
    int64_t tokens = 0;  // how many tokens the sequence can reuse; the sequence continues behind them
    int64_t known = 0;   // how many tokens of the prompt are cached; known >= tokens
    // The pages of the reused tokens. The last page may hold more positions than are reused, and other sequences may
    // use those positions. The caller therefore copies the last page before it writes to it.
    std::vector<std::shared_ptr<Page>> pages;
    std::shared_ptr<Snapshot> snapshot;  // position() <= tokens <= covered(); null when none is needed
    MissReason reason = MissReason::kNone;
  };

  explicit PrefixTree(Options options) : options_(options), nodes_(options.page_positions) {
    MOEBIUS_CHECK(options.page_positions > 0);
  }
  PrefixTree(const PrefixTree&) = delete;
  PrefixTree& operator=(const PrefixTree&) = delete;
  ~PrefixTree() = default;

  // Finds the longest reuse of at most `max_tokens` tokens. When several hits are equally long, it takes the one whose
  // snapshot has the fewest tokens to replay. The nodes and the snapshot of the result count as used now. The running
  // time depends on the length of the prompt and of the logs along it, and not on the size of the tree.
  Match find(std::span<const int32_t> tokens, int64_t max_tokens) {
    max_tokens = std::clamp<int64_t>(max_tokens, 0, std::ssize(tokens));
    const Walk walk = nodes_.walk_along(tokens);
    const Hit hit = longest_hit(walk, tokens.first(std::min(max_tokens, walk.length)));
    Match match;
    match.tokens = hit.tokens;
    match.known = walk.length;
    match.pages = collect_pages(walk, hit.tokens);
    if (hit.kept) {
      match.snapshot = hit.kept->snapshot;
      hit.kept->used = clock_;
    }
    if (match.tokens < max_tokens) {
      match.reason = match.known == 0              ? MissReason::kNothingCached
                     : match.tokens == match.known ? MissReason::kDiverged
                                                   : MissReason::kNoSnapshot;
    }
    return match;
  }

  // Adds a sequence. The pages cover the tokens, and nobody writes to inserted positions again. Each snapshot was
  // recorded on these tokens, up to covered() or up to the last token. When the sequence and the log of a snapshot have
  // grown, the caller inserts the same snapshot again. Existing entries stay: the tree keeps the older of two pages.
  // When two snapshots at one position have logs that agree, the tree keeps the one that covers more. Snapshots whose
  // logs differ are all kept: when many conversations part at one position, each has its own. No tokens are dropped.
  void insert(std::span<const int32_t> tokens, std::span<const std::shared_ptr<Page>> pages,
              std::span<const std::shared_ptr<Snapshot>> snapshots) {
    MOEBIUS_CHECK(std::ssize(pages) == nodes_.pages_of(std::ssize(tokens)));
    MOEBIUS_CHECK(options_.needs_snapshots || snapshots.empty());
    totals_.reset();
    Walk walk = nodes_.walk_along(tokens);
    if (walk.length < std::ssize(tokens)) {
      Node& last = *walk.nodes.back();
      if (walk.length < last.end()) nodes_.split_node(last, walk.length);
      const int64_t first_page = nodes_.page_of(walk.length);
      walk.nodes.push_back(&nodes_.add_child(last, tokens.subspan(walk.length), pages.subspan(first_page)));
    }
    ++clock_;
    for (Node* node : walk.nodes) node->used = clock_;
    if (snapshots.empty()) return;
    const auto path = std::make_shared<const std::vector<int32_t>>(tokens.begin(), tokens.end());
    for (const auto& snapshot : snapshots) keep_snapshot(walk, {snapshot, path});
  }

  // Drops the snapshot or the leaf that was used longest ago. The candidates are those that hold memory that nobody
  // else holds. Tokens that no hit can reach after this are dropped as well. Returns false when no drop would free any
  // memory.
  bool evict_one() {
    const Victim victim = find_victim();
    if (!victim.node) return false;
    totals_.reset();
    if (victim.snapshot) {
      const auto dropped = victim.node->snapshots.extract(*victim.snapshot);
      drop_unreachable_end(nodes_.walk_along(*dropped.mapped().path).nodes.back());
    } else {
      drop_unreachable_end(&nodes_.remove_leaf(*victim.node));
    }
    return true;
  }

  // Drops a snapshot on the path of these tokens because its maker wants nobody to return to it. The tokens stay, so
  // other snapshots should still reach the later tokens of the path.
  void forget(std::span<const int32_t> tokens, const Snapshot& snapshot) {
    for (Node* node : nodes_.walk_along(tokens).nodes) {
      const auto [first, last] = node->snapshots.equal_range(snapshot.position());
      const auto is_it = [&](const auto& entry) { return entry.second.snapshot.get() == &snapshot; };
      if (const auto found = std::find_if(first, last, is_it); found != last) {
        node->snapshots.erase(found);
        totals_.reset();
        return;
      }
    }
  }

  void clear() {
    totals_.reset();
    nodes_.clear();
  }

  [[nodiscard]] int64_t nodes() const { return std::ssize(nodes_.all()) - 1; }  // without the root
  [[nodiscard]] int64_t tokens() const { return totals().tokens; }
  [[nodiscard]] int64_t snapshots() const { return totals().snapshots; }

 private:
  using Nodes = PrefixNodes<Page, Snapshot>;
  using Node = typename Nodes::Node;
  using Walk = typename Nodes::Walk;
  using Kept = KeptSnapshot<Snapshot>;
  struct Hit {
    int64_t tokens = 0;
    Kept* kept = nullptr;
  };
  struct Totals {
    int64_t tokens = 0;
    int64_t snapshots = 0;
  };
  struct Victim {
    Node* node = nullptr;
    std::optional<typename Node::Snapshots::iterator> snapshot;  // when empty, the whole leaf is the victim
    uint64_t used = UINT64_MAX;
  };

  // The totals are cached: the engine reads them after every step, but the tree changes only every few dozen steps.
  [[nodiscard]] const Totals& totals() const {
    if (!totals_) totals_ = {nodes_.sum(&Node::tokens), nodes_.sum(&Node::snapshots)};
    return *totals_;
  }

  // Visits the snapshots along the walk from the last to the first. This way, the hit with the greatest position wins
  // among equally long hits.
  [[nodiscard]] Hit longest_hit(const Walk& walk, std::span<const int32_t> tokens) const {
    if (!options_.needs_snapshots) return {.tokens = std::ssize(tokens)};
    Hit best;
    for (Node* node : walk.nodes | std::views::reverse) {
      for (auto next = node->snapshots.upper_bound(std::ssize(tokens)); next != node->snapshots.begin();) {
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

  // Collects the pages of a hit and marks its nodes as used. When two nodes overlap one page, each may hold a page of
  // its own. The page of the deeper node has the positions of both nodes. The page of the upper node is right only up
  // to the end of that node, because another branch may have continued in it. The page therefore comes from the deepest
  // node that the hit enters.
  std::vector<std::shared_ptr<Page>> collect_pages(const Walk& walk, int64_t tokens) {
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

  // Adds the snapshot to the node at its position, or lets it compete with a snapshot there whose log agrees.
  void keep_snapshot(const Walk& walk, Kept added) {
    const int64_t position = added.snapshot->position();
    MOEBIUS_CHECK(position >= 0 && position <= std::ssize(*added.path) && added.snapshot->covered() >= position);
    Node& home = **std::ranges::lower_bound(walk.nodes, position, {}, &Node::end);
    const auto [first, last] = home.snapshots.equal_range(position);
    const auto found = std::find_if(first, last, [&](const auto& entry) { return agree(entry.second, added); });
    Kept& kept = found == last ? home.snapshots.emplace(position, Kept{})->second : found->second;
    if (!kept.snapshot || is_better(added, kept)) kept = std::move(added);
    kept.used = clock_;
  }

  // Whether one of the two snapshots is redundant, because the other one can restore every state that it can restore.
  static bool agree(const Kept& a, const Kept& b) {
    const int64_t length = std::min(a.reach(), b.reach());
    return a.snapshot == b.snapshot || common_length(std::span(*a.path).first(length), *b.path) >= length;
  }

  // Whether `added` should replace `kept`. When both are the same snapshot, `added` must continue the tokens of `kept`:
  // otherwise it comes from another sequence that only started from this snapshot.
  static bool is_better(const Kept& added, const Kept& kept) {
    if (added.snapshot != kept.snapshot) return added.reach() > kept.reach();
    const int64_t length = std::ssize(*kept.path);
    return std::ssize(*added.path) > length && common_length(*kept.path, *added.path) == length;
  }

  // Finds what evict_one() drops. Among equally old candidates, a snapshot is dropped before its leaf, and a lower
  // position is dropped before a higher one.
  Victim find_victim() {
    Victim victim;
    for (Node& node : nodes_.all()) {
      for (auto entry = node.snapshots.begin(); entry != node.snapshots.end(); ++entry) {
        const Kept& kept = entry->second;
        if (kept.used < victim.used && kept.snapshot.use_count() == 1) victim = {&node, entry, kept.used};
      }
      if (node.used < victim.used && node.is_leaf() && nodes_.is_only_holder(node)) victim = {&node, {}, node.used};
    }
    return victim;
  }

  // Drops those tokens at the end of the path to this node that no hit can reach any more.
  void drop_unreachable_end(Node* node) {
    const std::vector<int32_t> tokens = nodes_.tokens_to(*node);
    const int64_t reach = longest_hit(nodes_.walk_along(tokens), tokens).tokens;
    while (node->is_leaf() && node->start >= reach) node = &nodes_.remove_leaf(*node);
    if (node->is_leaf() && node->end() > reach) nodes_.shorten_node(*node, reach);
  }

  Options options_;
  Nodes nodes_;
  uint64_t clock_ = 0;
  mutable std::optional<Totals> totals_;  // empty after a change of the tree
};

}  // namespace moebius::internal
