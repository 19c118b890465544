// Added tokens: control tokens, and tokens that a fine-tune added. They are found by their exact text, before the text
// is split. This file holds their list and the search for them. The search takes the leftmost match, then the longest
// one, and leaves out text that a user wrote. Flags of a token then decide about the match, as in the `tokenizers`
// wheel: white space around it, and words that it is a part of.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/marked_view.h"

namespace moebius::internal {

struct AddedToken {
  std::string content;
  int32_t id = 0;
  bool is_special = false;   // left out of decoded text on request
  bool single_word = false;  // not found beside a character of a word (\w)
  bool lstrip = false;       // takes the white space before it with it
  bool rstrip = false;       // takes the white space behind it with it
};

// The text between two added tokens, or one of them with the white space that it takes.
struct TextPart {
  ByteRange range;
  std::optional<int32_t> token;
};

constexpr size_t kMaxAddedTokenBytes = 1024;  // the search takes at most this many steps a byte

class AddedTokenFinder {
 public:
  // Contents are distinct and not empty.
  explicit AddedTokenFinder(std::vector<AddedToken> tokens);

  [[nodiscard]] bool empty() const { return tokens_.empty(); }
  // Cuts the whole text, which is valid UTF-8, into parts from left to right. No token's text overlaps a byte of a user
  // range, but the white space that it takes may. Where a token would overlap one, another token that does not may be
  // found in its place. A token that begins in white space which the one before it took is found too, so the ranges of
  // the two overlap.
  [[nodiscard]] std::vector<TextPart> parts(const MarkedView& marked) const;

 private:
  friend class AddedTokenScan;

  // The longest token that begins at text[at] and ends within the text.
  [[nodiscard]] const AddedToken* longest_at(std::string_view text, size_t at) const;

  std::vector<AddedToken> tokens_;        // sorted by content
  std::array<bool, 256> begins_token_{};  // indexed by first byte
};

}  // namespace moebius::internal
