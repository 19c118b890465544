// The model of a byte-level tokenizer: turns one piece of text into its ids, by a vocabulary and merges. Most pieces of
// ordinary text are one token. They are fast, because Bpe remembers for which tokens merging their bytes gives just
// that token.
#pragma once

#include <atomic>
#include <memory>

#include "tokenizer/merges.h"
#include "tokenizer/vocabulary.h"

namespace moebius::internal {

class Bpe {
 public:
  enum class WholePieces { kMerge, kTake };  // kTake: a piece that is a token becomes that token (`ignore_merges`)

  Bpe(Vocabulary vocabulary, Merges merges, WholePieces whole_pieces);

  // Appends the ids of a piece that is not empty. Several threads may call this at once, each with its own scratch.
  void encode(std::string_view piece, MergeScratch& scratch, std::vector<int32_t>& out) const;

  [[nodiscard]] const Vocabulary& vocabulary() const { return vocabulary_; }

 private:
  enum Known : uint8_t { kUnknown, kIsWhole, kIsNot };

  Vocabulary vocabulary_;
  Merges merges_;
  // By id: whether merging the token's bytes gives the token. Bpe learns this as texts come. The threads need no lock,
  // because every thread would learn the same.
  std::unique_ptr<std::atomic<uint8_t>[]> known_;
};

}  // namespace moebius::internal
