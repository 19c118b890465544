// How often each token stands in the prompt and in what was generated: all that the penalties know of the history.
// Taking a token back leaves no trace, so a sequence that drafted and one that did not have equal counts.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "base/check.h"

namespace moebius {

class TokenCounts {
 public:
  struct Count {
    uint32_t prompt = 0;
    uint32_t generated = 0;
    bool operator==(const Count&) const = default;
  };

  void add_prompt(int32_t id) { ++counts_[id].prompt; }
  void add(int32_t id) { ++counts_[id].generated; }

  // Takes back one add(id).
  void remove(int32_t id) {
    const auto found = counts_.find(id);
    MOEBIUS_CHECK(found != counts_.end() && found->second.generated > 0);
    --found->second.generated;
    if (found->second == Count{}) counts_.erase(found);
  }

  // Tokens that stand there at least once, in no order.
  [[nodiscard]] const std::unordered_map<int32_t, Count>& seen() const { return counts_; }

  bool operator==(const TokenCounts&) const = default;

 private:
  std::unordered_map<int32_t, Count> counts_;
};

}  // namespace moebius
