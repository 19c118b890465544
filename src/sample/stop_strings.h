// Finds the first of several strings in text that comes in pieces, and says early what text cannot be part of one.
// Works on bytes, so a piece may end anywhere, inside a character too; stop strings are UTF-8, so a match never begins
// or ends inside one. Which ids end an answer (dialogue/stop_ids.h) is another matter.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace moebius::internal {

// The stop string that is complete first; of several that end together the longest. (The one that begins first could
// not be told without text beyond the end of another.)
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

  // The text that is now certain to stand before any match; together with what came before and what is held back, it
  // is all the text up to the match. Text after a match is ignored. Linear in the text, times the number of strings.
  std::string feed(std::string_view piece);

  // The text has ended: what was held back, which is nothing after a match.
  std::string finish();

  [[nodiscard]] const std::optional<StopMatch>& match() const { return match_; }

 private:
  // Knuth, Morris, Pratt. Aho and Corasick's automaton would save a factor of at most 16 on a few bytes a token, and
  // take 2 MB.
  struct Pattern {
    std::string text;
    std::vector<uint16_t> borders;  // per prefix: the longest proper prefix of it that is its suffix too
    size_t matched = 0;             // bytes of the pattern that the text ends with
  };

  void feed_byte(char byte);
  std::string hand_out(uint64_t end);  // what is held up to this byte of the text

  std::vector<Pattern> patterns_;
  std::string held_;  // the end of the text, not handed out yet
  uint64_t bytes_ = 0;
  std::optional<StopMatch> match_;
};

}  // namespace moebius::internal
