// The hash table over the vocabulary.
#include "tokenizer/vocabulary.h"

#include <algorithm>
#include <bit>

#include "base/hash.h"

namespace moebius::internal {

Vocabulary::Vocabulary(std::vector<Token> tokens) : tokens_(std::move(tokens)), seed_(secret_seed()) {
  slots_.resize(std::bit_ceil(2 * tokens_.size() + 1));
  for (size_t id = 0; id < tokens_.size(); ++id) {
    longest_bytes_ = std::max(longest_bytes_, tokens_[id].bytes.size());
    if (!tokens_[id].is_found) continue;
    const uint64_t hash = seeded_hash(tokens_[id].bytes, seed_);
    size_t at = hash & (slots_.size() - 1);
    while (slots_[at].id >= 0) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = {static_cast<uint32_t>(hash >> 32U), static_cast<int32_t>(id)};
  }
}

std::optional<int32_t> Vocabulary::find(std::string_view bytes) const {
  if (bytes.size() > longest_bytes_) return std::nullopt;
  const uint64_t hash = seeded_hash(bytes, seed_);
  for (size_t at = hash & (slots_.size() - 1); slots_[at].id >= 0; at = (at + 1) & (slots_.size() - 1)) {
    const bool is_it = slots_[at].hash == static_cast<uint32_t>(hash >> 32U) && this->bytes(slots_[at].id) == bytes;
    if (is_it) return slots_[at].id;
  }
  return std::nullopt;
}

}  // namespace moebius::internal
