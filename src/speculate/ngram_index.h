// Prompt look-up is a source of free drafts. Many texts repeat themselves: edited code, quoted documents, JSON. A
// repeated passage usually continues as it did before. The index therefore finds the latest earlier occurrence of the
// last few tokens and drafts the tokens that followed it. It only knows tokens. planner.h decides whether its drafts
// are worth verifying.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace moebius::internal {

class NgramIndex {
 public:
  // The lengths of n-grams in tokens. Shorter n-grams repeat by chance. A match longer than eight tokens rarely
  // predicts better than one of eight.
  static constexpr int64_t kMinLength = 3;
  static constexpr int64_t kMaxLength = 8;

  // Adds the next token of the prompt or of the answer. It takes amortized constant time. A token takes 4 bytes, and up
  // to 16 bytes more for each of the six lengths.
  void append(int32_t token);

  // Returns at most `max_tokens` tokens that followed the longest match, or nothing when the last kMinLength tokens
  // never occurred before. When the continuation reaches the end of the text, it repeats itself from there: the text is
  // assumed to go in circles.
  [[nodiscard]] std::vector<int32_t> propose(int64_t max_tokens) const;

  // The length of the longest match in tokens: kMinLength to kMaxLength, or 0 without a match.
  [[nodiscard]] int64_t match_length() const { return match_length_; }
  [[nodiscard]] int64_t size() const { return static_cast<int64_t>(tokens_.size()); }

 private:
  // A hash table of all n-grams of one length, with the end of the latest occurrence of each. It uses open addressing
  // and is at most half full. It stores positions instead of keys: the tokens before the position are the key. So a
  // collision costs time but never leads to a wrong match.
  struct Table {
    std::vector<uint32_t> slots;  // one past the last token of the n-gram; 0 marks a free slot
    size_t used = 0;
  };

  [[nodiscard]] uint64_t hash(int64_t end, int64_t length) const;
  [[nodiscard]] bool equal(int64_t end, int64_t other_end, int64_t length) const;
  // The slot of the n-gram that ends at `end`. It is a free slot if the table does not contain the n-gram.
  [[nodiscard]] size_t find_slot(const Table& table, int64_t end, int64_t length) const;
  // Stores `end` as the latest end of its n-gram and returns the end stored before, or 0 if there was none.
  int64_t replace_end(Table& table, int64_t end, int64_t length);
  void grow_table(Table& table, int64_t length) const;

  std::vector<int32_t> tokens_;
  std::array<Table, kMaxLength - kMinLength + 1> tables_;
  int64_t match_end_ = 0;  // one past the last token of the earlier occurrence of the longest match
  int64_t match_length_ = 0;
};

}  // namespace moebius::internal
