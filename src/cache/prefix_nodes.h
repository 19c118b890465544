// The nodes of the prefix cache: a radix tree of token runs, each with the pages that overlap it and the checkpoints
// that stand in it. How they are found, split, cut and removed; which of them and when is prefix_tree.h. Nothing
// recurses over depth: strangers choose how deep the tree is.
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

namespace moebius {

inline int64_t common_length(std::span<const int32_t> a, std::span<const int32_t> b) {
  return std::ranges::mismatch(a, b).in1 - a.begin();
}

// A checkpoint and the sequence that recorded it. Behind position() the log is this sequence's: tokens are compared
// with its path, so that no split and no sibling of a node can make the log valid for another branch.
template <typename Checkpoint>
struct KeptCheckpoint {
  std::shared_ptr<Checkpoint> checkpoint;
  std::shared_ptr<const std::vector<int32_t>> path;  // from position 0, as far as it was inserted
  uint64_t used = 0;

  // The most tokens that it stands for. Asked anew each time: the log of a running sequence grows.
  [[nodiscard]] int64_t reach() const { return std::min<int64_t>(checkpoint->covered(), std::ssize(*path)); }
};

template <typename Page, typename Checkpoint>
struct PrefixNode {
  PrefixNode* parent = nullptr;  // the root has none, and an empty run
  int64_t start = 0;
  std::vector<int32_t> tokens;               // of the positions [start, end)
  std::vector<std::shared_ptr<Page>> pages;  // those that overlap [start, end)
  // By position, in (start, end]: one at a boundary is the upper node's, so every branch below finds it. The root has
  // position 0.
  using Checkpoints = std::multimap<int64_t, KeptCheckpoint<Checkpoint>>;
  Checkpoints checkpoints;
  std::map<int32_t, PrefixNode*> children;  // by first token; no hash table, which could be made to collide
  uint64_t used = 0;
  typename std::list<PrefixNode>::iterator self;

  [[nodiscard]] int64_t end() const { return start + std::ssize(tokens); }
  [[nodiscard]] bool is_leaf() const { return parent && children.empty(); }
};

template <typename Page, typename Checkpoint>
class PrefixNodes {
 public:
  using Node = PrefixNode<Page, Checkpoint>;
  struct Walk {
    std::vector<Node*> nodes;  // from the root; the last one may agree in part
    int64_t length = 0;        // tokens that agree
  };

  explicit PrefixNodes(int64_t page_positions) : page_positions_(page_positions) { clear(); }

  void clear() {
    list_.clear();
    list_.emplace_back();
    list_.front().self = list_.begin();
  }

  // The root first, every node before its children.
  [[nodiscard]] std::list<Node>& all() { return list_; }
  [[nodiscard]] const std::list<Node>& all() const { return list_; }
  // How many elements a member of all nodes has.
  template <typename Part>
  [[nodiscard]] int64_t sum(Part part) const {
    int64_t total = 0;
    for (const Node& node : list_) total += std::ssize(node.*part);
    return total;
  }

  [[nodiscard]] int64_t page_of(int64_t position) const { return position / page_positions_; }
  [[nodiscard]] int64_t pages_of(int64_t tokens) const { return div_up(tokens, page_positions_); }

  [[nodiscard]] Walk walk(std::span<const int32_t> tokens) {
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

  // All tokens from position 0 to the end of a node.
  [[nodiscard]] std::vector<int32_t> tokens_to(const Node& node) const {
    std::vector<int32_t> tokens(node.end());
    for (const Node* part = &node; part; part = part->parent) {
      std::ranges::copy(part->tokens, tokens.begin() + part->start);
    }
    return tokens;
  }

  // Whether the tree alone holds a page of this leaf. One that overlaps several nodes of a path may be held by each,
  // and is freed with the last of them.
  [[nodiscard]] bool is_only_holder(const Node& leaf) const {
    const int64_t first = page_of(leaf.start);
    int64_t holders = 1;
    for (const Node* above = leaf.parent; above->parent && page_of(above->end() - 1) == first; above = above->parent) {
      if (above->pages.back() == leaf.pages.front()) ++holders;
    }
    const auto is_single = [](const auto& page) { return page.use_count() == 1; };
    return leaf.pages.front().use_count() == holders || std::ranges::any_of(leaf.pages, is_single);
  }

  // A child that goes on where `parent` ends: its run, and the pages from the one that overlaps its start.
  Node& add(Node& parent, std::span<const int32_t> run, std::span<const std::shared_ptr<Page>> pages) {
    const auto self = list_.emplace(std::next(parent.self));
    self->self = self;
    self->parent = &parent;
    self->start = parent.end();
    self->tokens.assign(run.begin(), run.end());
    self->pages.assign(pages.begin(), pages.end());
    parent.children[run.front()] = &*self;
    return *self;
  }

  // The upper part stays the node that it was. A page that overlaps both parts is held by both.
  void split(Node& upper, int64_t at) {
    const std::vector run(upper.tokens.begin() + (at - upper.start), upper.tokens.end());
    const std::vector pages(upper.pages.begin() + (page_of(at) - page_of(upper.start)), upper.pages.end());
    cut(upper, at);
    auto children = std::exchange(upper.children, {});
    Node& lower = add(upper, run, pages);
    for (const auto& [token, child] : children) child->parent = &lower;
    lower.children = std::move(children);
    lower.used = upper.used;
    while (!upper.checkpoints.empty() && upper.checkpoints.rbegin()->first > at) {
      lower.checkpoints.insert(upper.checkpoints.extract(std::prev(upper.checkpoints.end())));
    }
  }

  void cut(Node& node, int64_t end) {
    node.tokens.resize(end - node.start);
    node.pages.resize(pages_of(end) - page_of(node.start));
  }

  // Returns the parent.
  Node& remove(Node& leaf) {
    Node& parent = *leaf.parent;
    parent.children.erase(leaf.tokens.front());
    list_.erase(leaf.self);
    return parent;
  }

 private:
  int64_t page_positions_;
  std::list<Node> list_;  // flat: it is destroyed without recursion
};

}  // namespace moebius
