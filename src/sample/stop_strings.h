// Finds the first of several strings in text that comes in pieces, and says early what text cannot be part of a match.
// It works on bytes, so a piece may end anywhere, even inside a character. Stop strings are UTF-8, so a match never
// begins or ends inside a character. The ids that end an answer are in dialogue/stop_ids.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace moebius::internal {

// The stop string that is complete first. If several end together, it is the longest. (The rule cannot be "the one that
// begins first": telling it may take text beyond the end of another one.)
struct StopMatch {
  size_t index;     // in the list of stop strings
  uint64_t offset;  // byte of the whole text where it begins
};

class StopStrings {
 public:
  static constexpr size_t kMaxStrings = 16;
  static constexpr size_t kMaxBytes = 256;  // of one string

  // Throws kUsage: too many, empty, too long, not UTF-8.
  explicit StopStrings(std::vector<std::string> strings);

  // Returns the text that is now certain to stand before any match. All returned text, together with what is held back,
  // is all the text up to the match. Text after a match is ignored. The time is linear in the text, times the number of
  // strings.
  std::string feed(std::string_view piece);

  // Ends the text. Returns what was held back, which is nothing after a match.
  std::string finish();

  [[nodiscard]] const std::optional<StopMatch>& match() const { return match_; }

 private:
  // One string with its Knuth-Morris-Pratt automaton. A single Aho-Corasick automaton would save a factor of at most 16
  // on a few bytes a token, and take 2 MB.
  struct Pattern {
    std::string text;
    std::vector<uint16_t> borders;  // per prefix: its longest proper prefix that is its suffix too
    size_t matched = 0;             // bytes of the pattern that the text ends with
  };

  void feed_byte(char byte);
  std::string hand_out(uint64_t end);  // what is held up to this byte of the text

  std::vector<Pattern> patterns_;
  std::string held_;  // the end of the text, which is not handed out yet
  uint64_t bytes_ = 0;
  std::optional<StopMatch> match_;
};

}  // namespace moebius::internal
