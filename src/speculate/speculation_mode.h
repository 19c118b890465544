// The value of the option --speculate: which sources may draft tokens, and whether the user or the planner decides how
// many. This file only parses the option. planner.h makes the decisions.
#pragma once

#include <cstdint>
#include <string_view>

namespace moebius::internal {

// A source of drafted tokens. kMtp is the draft head of the model; only some checkpoints have one. kNgram drafts the
// tokens that followed the same few tokens earlier in the text.
enum class DraftSource : uint8_t { kMtp, kNgram };
constexpr int kDraftSources = 2;

struct SpeculationMode {
  // Together with the confirmed token, 15 drafts make 16 rows. The kernels verify at most 16 rows in one pass.
  static constexpr int64_t kMaxDepth = 15;

  bool mtp = false;
  bool ngram = false;
  int64_t depth = 0;  // the number of drafted tokens of every step; 0 lets the planner choose it for each step

  [[nodiscard]] bool off() const { return !mtp && !ngram; }
  bool operator==(const SpeculationMode&) const = default;
};

// Parses "none", "auto" (both sources), "mtp" or "ngram" (one source, the planner chooses the depth), "mtp:3" or
// "ngram:5" (one source, a fixed depth). Throws kUsage for any other text.
SpeculationMode parse_speculation_mode(std::string_view text);

}  // namespace moebius::internal
