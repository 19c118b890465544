// The nodes of the prefix cache. They form a radix tree: each node has a run of tokens, the pages that overlap the run,
// and the snapshots whose position lies in the run. This file finds, splits, shortens and removes nodes. prefix_tree.h
// decides when this happens and to which nodes. No function recurses over the depth of the tree, because the prompts of
// strangers determine how deep it is.
#pragma once

#include <algorithm>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/checked.h"

namespace moebius::internal {

inline int64_t common_length(std::span<const int32_t> a, std::span<const int32_t> b) {
  return std::ranges::mismatch(a, b).in1 - a.begin();
}

// A snapshot, together with the tokens of the sequence that recorded it. The log of the snapshot is valid for this
// sequence only. A prompt is therefore compared with `path`, not with the tokens of nodes. Otherwise a split or a
// sibling of a node could make the log seem valid for another branch.
template <typename Snapshot>
struct KeptSnapshot {
  std::shared_ptr<Snapshot> snapshot;
  std::shared_ptr<const std::vector<int32_t>> path;  // the inserted tokens of the sequence, from position 0
  uint64_t used = 0;                                 // the time of the last use, on the clock of the tree

  // The largest number of tokens whose state the snapshot and its log can restore. The snapshot is asked every time,
  // because the log of a running sequence grows.
  [[nodiscard]] int64_t reach() const { return std::min<int64_t>(snapshot->covered(), std::ssize(*path)); }
};

template <typename Page, typename Snapshot>
struct PrefixNode {
  PrefixNode* parent = nullptr;  // null for the root, whose run is empty
  int64_t start = 0;
  std::vector<int32_t> tokens;               // the run: the tokens of the positions [start, end)
  std::vector<std::shared_ptr<Page>> pages;  // the pages that overlap [start, end)
  // The snapshots by position. Their positions lie in (start, end]: a snapshot at the boundary of two nodes belongs to
  // the upper node, so that every branch below finds it. The root has the snapshots at position 0.
  using Snapshots = std::multimap<int64_t, KeptSnapshot<Snapshot>>;
  Snapshots snapshots;
  // The children by first token. A hash table is not used, because strangers could choose tokens that collide in it.
  std::map<int32_t, PrefixNode*> children;
  uint64_t used = 0;  // the time of the last use, on the clock of the tree
  typename std::list<PrefixNode>::iterator self;

  [[nodiscard]] int64_t end() const { return start + std::ssize(tokens); }
  [[nodiscard]] bool is_leaf() const { return parent && children.empty(); }
};

template <typename Page, typename Snapshot>
class PrefixNodes {
 public:
  using Node = PrefixNode<Page, Snapshot>;
  // The way from the root along the tokens of a prompt.
  struct Walk {
    std::vector<Node*> nodes;  // starts with the root; the prompt may leave the last node inside its run
    int64_t length = 0;        // how many tokens of the prompt the nodes contain
  };

  explicit PrefixNodes(int64_t page_positions) : page_positions_(page_positions) { clear(); }

  void clear() {
    list_.clear();
    list_.emplace_back();
    list_.front().self = list_.begin();
  }

  // All nodes. The root is the first one, and every node stands before its children.
  [[nodiscard]] std::list<Node>& all() { return list_; }
  [[nodiscard]] const std::list<Node>& all() const { return list_; }
  // Returns the size of the member `part`, summed over all nodes.
  template <typename Part>
  [[nodiscard]] int64_t sum(Part part) const {
    int64_t total = 0;
    for (const Node& node : list_) total += std::ssize(node.*part);
    return total;
  }

  [[nodiscard]] int64_t page_of(int64_t position) const { return position / page_positions_; }
  [[nodiscard]] int64_t pages_of(int64_t tokens) const { return div_up(tokens, page_positions_); }

  [[nodiscard]] Walk walk_along(std::span<const int32_t> tokens) {
    Walk walk{.nodes = {&list_.front()}};
    while (walk.length < std::ssize(tokens) && walk.length == walk.nodes.back()->end()) {
      const auto& children = walk.nodes.back()->children;
      const auto child = children.find(tokens[walk.length]);
      if (child == children.end()) break;
      walk.nodes.push_back(child->second);
      walk.length += common_length(child->second->tokens, tokens.subspan(walk.length));
    }
    return walk;
  }

  // All tokens from position 0 to the end of the node.
  [[nodiscard]] std::vector<int32_t> tokens_to(const Node& node) const {
    std::vector<int32_t> tokens(node.end());
    for (const Node* part = &node; part; part = part->parent) {
      std::ranges::copy(part->tokens, tokens.begin() + part->start);
    }
    return tokens;
  }

  // Whether at least one page of this leaf is held by the tree alone. When a page overlaps several nodes of a path,
  // each of these nodes may hold it. Such a page is freed with the last of them.
  [[nodiscard]] bool is_only_holder(const Node& leaf) const {
    const int64_t first = page_of(leaf.start);
    int64_t holders = 1;
    for (const Node* above = leaf.parent; above->parent && page_of(above->end() - 1) == first; above = above->parent) {
      if (above->pages.back() == leaf.pages.front()) ++holders;
    }
    const auto is_single = [](const auto& page) { return page.use_count() == 1; };
    return leaf.pages.front().use_count() == holders || std::ranges::any_of(leaf.pages, is_single);
  }

  // Adds a child that starts where `parent` ends. The first page is the one that overlaps the start of `run`.
  Node& add_child(Node& parent, std::span<const int32_t> run, std::span<const std::shared_ptr<Page>> pages) {
    const auto self = list_.emplace(std::next(parent.self));
    self->self = self;
    self->parent = &parent;
    self->start = parent.end();
    self->tokens.assign(run.begin(), run.end());
    self->pages.assign(pages.begin(), pages.end());
    parent.children[run.front()] = &*self;
    return *self;
  }

  // Splits a node at position `at`. The given node becomes the upper part, so pointers to it stay valid. A page that
  // overlaps both parts is held by both.
  void split_node(Node& upper, int64_t at) {
    const std::vector run(upper.tokens.begin() + (at - upper.start), upper.tokens.end());
    const std::vector pages(upper.pages.begin() + (page_of(at) - page_of(upper.start)), upper.pages.end());
    shorten_node(upper, at);
    auto children = std::exchange(upper.children, {});
    Node& lower = add_child(upper, run, pages);
    for (const auto& [token, child] : children) child->parent = &lower;
    lower.children = std::move(children);
    lower.used = upper.used;
    while (!upper.snapshots.empty() && upper.snapshots.rbegin()->first > at) {
      lower.snapshots.insert(upper.snapshots.extract(std::prev(upper.snapshots.end())));
    }
  }

  // Removes the tokens from position `end` on, and the pages that no longer overlap the node.
  void shorten_node(Node& node, int64_t end) {
    node.tokens.resize(end - node.start);
    node.pages.resize(pages_of(end) - page_of(node.start));
  }

  // Removes a leaf and returns its parent.
  Node& remove_leaf(Node& leaf) {
    Node& parent = *leaf.parent;
    parent.children.erase(leaf.tokens.front());
    list_.erase(leaf.self);
    return parent;
  }

 private:
  int64_t page_positions_;
  std::list<Node> list_;  // a flat list: its destructor does not recurse
};

}  // namespace moebius::internal
