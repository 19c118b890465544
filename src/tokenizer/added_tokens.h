// Tokens that are found in text as they stand, before anything else: control tokens and what a fine-tune added. Lives
// here: the list, and the search (leftmost, then longest) that leaves out what a user wrote.
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
  bool is_special = false;  // left out of decoded text on request
};

// The text between two added tokens, or one of them.
struct TextPart {
  ByteRange range;
  std::optional<int32_t> token;
};

constexpr size_t kMaxAddedTokenBytes = 1024;  // the search costs so many steps a byte at worst

class AddedTokenFinder {
 public:
  // Contents are distinct and not empty.
  explicit AddedTokenFinder(std::vector<AddedToken> tokens);

  [[nodiscard]] bool empty() const { return tokens_.empty(); }
  // All of the text, from left to right. No token overlaps a byte of a user range; another one may be found in its
  // place, which does not.
  [[nodiscard]] std::vector<TextPart> parts(const MarkedView& marked) const;

 private:
  // The longest token that begins at text[at] and ends within the text.
  [[nodiscard]] const AddedToken* longest_at(std::string_view text, size_t at) const;
  void find_in(std::string_view text, ByteRange allowed, std::vector<TextPart>& parts) const;

  std::vector<AddedToken> tokens_;        // by content
  std::array<bool, 256> begins_token_{};  // by first byte
};

}  // namespace moebius::internal
