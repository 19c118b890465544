// See draw_sequence.h.
#include "sample/draw_sequence.h"

#include "base/check.h"
#include "base/finite.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

// Returns false when a logit of the row is not finite, or becomes so by a penalty.
bool draw_row(SequenceDraws& out, std::span<const float> logits, const SequenceSampling& sampling, int64_t row) {
  if (!all_finite(logits)) return false;
  const int64_t before = std::ssize(sampling.drafts) - (sampling.rows - 1) + row;
  const History history(*sampling.history, sampling.drafts.first(static_cast<size_t>(before)));
  const TokenMask mask = sampling.masks.empty() ? TokenMask() : sampling.masks[static_cast<size_t>(row)];
  try {
    out.draws.push_back(sampling.sampler->draw(logits, history, sampling.position + row, mask));
    return true;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kNonFinite) throw;
    return false;
  }
}

}  // namespace

void draw_sequence(SequenceDraws& out, std::span<const float> logits, const SequenceSampling& sampling) {
  MOEBIUS_CHECK(sampling.rows >= 1 && std::ssize(sampling.drafts) >= sampling.rows - 1);
  MOEBIUS_CHECK(sampling.masks.empty() || std::ssize(sampling.masks) == sampling.rows);
  const auto verified = sampling.drafts.last(static_cast<size_t>(sampling.rows - 1));
  const size_t vocab = logits.size() / static_cast<size_t>(sampling.rows);
  out.draws.clear();
  out.accepted = 0;
  for (int64_t row = 0; row < sampling.rows; ++row) {
    out.is_finite = draw_row(out, logits.subspan(static_cast<size_t>(row) * vocab, vocab), sampling, row);
    const bool is_accepted =
        out.is_finite && row < std::ssize(verified) && out.draws.back().token == verified[static_cast<size_t>(row)];
    if (!is_accepted) return;
    ++out.accepted;
  }
}

}  // namespace moebius::internal
