// The value of the option --speculate, as text and as SpeculationMode. planner.h makes the decisions.
#pragma once

#include <cstdint>
#include <string_view>

#include "moebius/speculation.h"

namespace moebius::internal {

// A source of drafted tokens: the draft head of the model, or the n-gram index of the text so far.
enum class DraftSource : uint8_t { kMtp, kNgram };
constexpr int kDraftSources = 2;

// Parses "none", "auto" (both sources), "mtp" or "ngram" (one source, the planner chooses the depth), "mtp:3" or
// "ngram:5" (one source, a fixed depth). Throws kUsage for any other text.
SpeculationMode parse_speculation_mode(std::string_view text);

// Throws kUsage for a depth out of range, and for a depth of more than one source.
void check(const SpeculationMode& mode);

}  // namespace moebius::internal
