// Prompt look-up: drafts for nothing. A text that says again what it said before (code that is edited, a quoted
// document, JSON) goes on as it went on then; so the tokens behind the latest earlier occurrence of the last few tokens
// are a good guess. Knows tokens only; whether the guess is worth verifying is planner.h's business.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace moebius {

class NgramIndex {
 public:
  // Shorter n-grams repeat by chance; a longer match rarely says more than one of eight tokens.
  static constexpr int64_t kMinLength = 3;
  static constexpr int64_t kMaxLength = 8;

  // The next committed token (of the prompt or of the answer). Constant time, amortized; 4 bytes, and up to 16 more for
  // each of the six lengths.
  void append(int32_t token);

  // What followed the longest match, at most `max_tokens` tokens; empty when the last kMinLength tokens are new. Where
  // the match reaches the end of the text, the text is taken to go round in that circle.
  [[nodiscard]] std::vector<int32_t> propose(int64_t max_tokens) const;

  // Tokens of the longest match: kMinLength to kMaxLength, or 0.
  [[nodiscard]] int64_t match_length() const { return match_length_; }
  [[nodiscard]] int64_t size() const { return static_cast<int64_t>(tokens_.size()); }

 private:
  // The end of the latest occurrence of every n-gram of one length: open addressing, at most half full. Positions are
  // kept, not keys; the tokens at the position are the key, so a collision costs time and never a wrong match.
  struct Table {
    std::vector<uint32_t> slots;  // one past the n-gram's last token; 0: free
    size_t used = 0;
  };

  [[nodiscard]] uint64_t hash(int64_t end, int64_t length) const;
  [[nodiscard]] bool equal(int64_t end, int64_t other_end, int64_t length) const;
  // The slot of the n-gram that ends there: its own, or the free one where it belongs.
  [[nodiscard]] size_t find(const Table& table, int64_t end, int64_t length) const;
  int64_t replace(Table& table, int64_t end, int64_t length);  // the earlier end; 0: none
  void grow(Table& table, int64_t length) const;

  std::vector<int32_t> tokens_;
  std::array<Table, kMaxLength - kMinLength + 1> tables_;
  int64_t match_end_ = 0;  // one past the last token of the earlier occurrence
  int64_t match_length_ = 0;
};

}  // namespace moebius
