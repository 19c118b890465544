// What the user asked for with --speculate: which sources may draft, and who chooses how many tokens. What a source is
// and how the choice is made lives in planner.h.
#pragma once

#include <cstdint>
#include <string_view>

namespace moebius {

// Where drafted tokens come from: the draft head that a checkpoint brings, or what followed the same tokens before.
enum class DraftSource : uint8_t { kMtp, kNgram };
constexpr int kDraftSources = 2;

struct SpeculationMode {
  static constexpr int64_t kMaxDepth = 15;  // with the confirmed token 16 rows, which is what kernels verify in one go

  bool mtp = false;
  bool ngram = false;
  int64_t depth = 0;  // drafted tokens of every step; 0: the planner chooses them step by step

  [[nodiscard]] bool off() const { return !mtp && !ngram; }
  bool operator==(const SpeculationMode&) const = default;
};

// "none", "auto" (both sources), "mtp", "ngram" (that source, depth chosen), "mtp:3", "ngram:5". Throws kUsage.
SpeculationMode parse_speculation_mode(std::string_view text);

}  // namespace moebius
