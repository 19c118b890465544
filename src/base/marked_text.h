// Text that remembers which of its bytes a user wrote. A chat template mixes its own words with the conversation's; the
// tokenizer must read `<|im_end|>` as a control token in the former and as ten plain characters in the latter. Marks
// travel beside the text, so there is no placeholder that a user could guess.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace moebius::internal {

struct ByteRange {
  size_t begin = 0;
  size_t end = 0;  // one past the last byte
  bool operator==(const ByteRange&) const = default;
};

struct MarkedText {
  std::string text;             // UTF-8
  std::vector<ByteRange> user;  // ascending, not empty, not touching each other
};

}  // namespace moebius::internal
