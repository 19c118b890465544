// Encoding a piece, with a shortcut for pieces that are tokens.
#include "tokenizer/bpe.h"

namespace moebius::internal {

Bpe::Bpe(Vocabulary vocabulary, Merges merges, WholePieces whole_pieces)
    : vocabulary_(std::move(vocabulary)),
      merges_(std::move(merges)),
      known_(std::make_unique<std::atomic<uint8_t>[]>(static_cast<size_t>(vocabulary_.size()))) {
  const uint8_t known = whole_pieces == WholePieces::kTake ? kIsWhole : kUnknown;
  for (int32_t id = 0; id < vocabulary_.size(); ++id) known_[static_cast<size_t>(id)] = known;
}

void Bpe::encode(std::string_view piece, MergeScratch& scratch, std::vector<int32_t>& out) const {
  const std::optional<int32_t> id = vocabulary_.find(piece);
  if (!id) return merges_.apply(piece, scratch, out);
  std::atomic<uint8_t>& known = known_[static_cast<size_t>(*id)];
  if (known.load(std::memory_order_relaxed) == kIsWhole) return out.push_back(*id);
  const size_t before = out.size();
  merges_.apply(piece, scratch, out);
  const bool is_whole = out.size() == before + 1 && out.back() == *id;
  known.store(is_whole ? kIsWhole : kIsNot, std::memory_order_relaxed);
}

}  // namespace moebius::internal
