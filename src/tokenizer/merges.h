// Byte-pair merging: joins a piece's bytes pair by pair, lowest rank first, until no pair of the list is left. Nearly
// all pieces are short; each step looks through all of their pairs. Long pieces go through a queue, in O(n log n).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "tokenizer/merge_queue.h"

namespace moebius::internal {

struct Merge {
  int32_t left = 0;
  int32_t right = 0;
  int32_t result = 0;
};

// Memory that merging reuses from piece to piece. Each thread has its own.
struct MergeScratch {
  struct Symbol {
    int32_t id;
    uint32_t previous;
    uint32_t next;
    uint32_t rank;  // rank of the pair that begins here
  };
  std::vector<Symbol> symbols;
  MergeQueue queue;
  uint64_t short_operations = 0;

  // The steps taken so far, in both forms of merging. Tests count them instead of seconds.
  [[nodiscard]] uint64_t operations() const { return short_operations + queue.operations(); }
};

class Merges {
 public:
  // list: by rank. A pair that is listed twice gets its last rank. byte_ids: the token of each byte. The result of a
  // merge is always longer than left and right, so merging ends.
  Merges(const std::vector<Merge>& list, const std::array<int32_t, 256>& byte_ids);

  // Appends the ids of a piece that is not empty and shorter than 2^32 bytes.
  void apply(std::string_view piece, MergeScratch& scratch, std::vector<int32_t>& out) const;

 private:
  static constexpr uint32_t kNoRank = UINT32_MAX;
  struct Slot {
    int32_t left = -1;
    int32_t right = -1;
    uint32_t rank = kNoRank;
  };

  [[nodiscard]] uint32_t rank(int32_t left, int32_t right) const;
  [[nodiscard]] size_t first_slot(int32_t left, int32_t right) const;
  void apply_short(std::string_view piece, MergeScratch& scratch, std::vector<int32_t>& out) const;
  void fill(std::string_view piece, MergeScratch& scratch) const;
  void join(uint32_t at, MergeScratch& scratch) const;
  void offer(uint32_t at, MergeScratch& scratch) const;

  std::vector<int32_t> result_of_rank_;
  std::vector<Slot> slots_;  // open addressing, a power of two, at most half full
  uint64_t seed_;            // secret: the file's author cannot make pairs collide
  std::array<int32_t, 256> byte_ids_;
};

}  // namespace moebius::internal
