// Counts how often each token stands in the prompt and in what was generated. The penalties know nothing else of the
// history. Drafts lie over the counts and are never counted, so a sequence that drafted and one that did not have equal
// counts.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <unordered_map>

namespace moebius::internal {

class TokenCounts {
 public:
  struct Count {
    uint32_t prompt = 0;
    uint32_t generated = 0;
    bool operator==(const Count&) const = default;
  };

  void add_prompt(int32_t id) { ++counts_[id].prompt; }
  void add(int32_t id) { ++counts_[id].generated; }

  // The tokens that were counted at least once, in no order.
  [[nodiscard]] const std::unordered_map<int32_t, Count>& seen() const { return counts_; }

 private:
  std::unordered_map<int32_t, Count> counts_;
};

// The tokens before one that is drawn: the counted tokens, and behind them drafts, which are taken as generated.
class History {
 public:
  History() = default;
  // Keeps references to both arguments.
  History(const TokenCounts& counts, std::span<const int32_t> drafts = {}) : counts_(&counts), drafts_(drafts) {}

  // Calls body(id, count) once for every token of the history, in no order.
  template <typename Body>
  void for_each(const Body& body) const {
    if (counts_ != nullptr) {
      for (const auto& [id, count] : counts_->seen()) body(id, with_drafts(id, count));
    }
    for (size_t i = 0; i < drafts_.size(); ++i) {
      const bool is_first =
          std::ranges::find(drafts_.first(i), drafts_[i]) == drafts_.begin() + static_cast<int64_t>(i);
      const bool is_counted = counts_ != nullptr && counts_->seen().contains(drafts_[i]);
      if (is_first && !is_counted) body(drafts_[i], with_drafts(drafts_[i], {}));
    }
  }

 private:
  [[nodiscard]] TokenCounts::Count with_drafts(int32_t id, TokenCounts::Count count) const {
    count.generated += static_cast<uint32_t>(std::ranges::count(drafts_, id));
    return count;
  }

  const TokenCounts* counts_ = nullptr;
  std::span<const int32_t> drafts_;
};

}  // namespace moebius::internal
