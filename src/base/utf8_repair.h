// Makes any text valid UTF-8. Each maximal part of a broken character becomes one U+FFFD, as in Python's
// errors="replace" and the Unicode standard. Text is repaired and not refused, because a prompt cut off inside a
// character is still a prompt.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/marked_view.h"

namespace moebius::internal {

// Returns the position of the first byte that is not UTF-8, or text.size() when there is none.
size_t first_invalid_utf8(std::string_view text);

// Returns how many bytes at the end begin a character and lack its rest, at most three. More text may make that
// character whole.
size_t unfinished_utf8_bytes(std::string_view text);

// Replaces what is not UTF-8 in marked text. A U+FFFD is marked as the user's when one of the bytes that it replaces
// was.
MarkedText repaired_utf8(const MarkedView& marked);

// Repairs bytes that come in pieces. A character that is cut by the end of a piece waits for the next piece.
class Utf8Repair {
 public:
  std::string feed(std::string_view bytes);
  std::string finish();  // a character that was never completed becomes U+FFFD

 private:
  std::string held_;  // the beginning of a character, at most three bytes between calls
};

}  // namespace moebius::internal
