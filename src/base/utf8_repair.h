// Text as it comes, made valid UTF-8: what is not becomes U+FFFD, one for each maximal part of a character, which is
// what Python's errors="replace" and the Unicode standard do. A prompt cut off inside a character is still a prompt.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/marked_view.h"

namespace moebius::internal {

// Where the first byte that is not UTF-8 stands; text.size() when all of it is.
size_t first_invalid_utf8(std::string_view text);

// Bytes at the end that begin a character and lack its rest: more text may make it whole. At most three.
size_t unfinished_utf8_bytes(std::string_view text);

// A replacement is the user's when one of its bytes was.
MarkedText repaired_utf8(const MarkedView& marked);

// Bytes that come in pieces: a character that is cut by the end of a piece waits for the next one.
class Utf8Repair {
 public:
  std::string feed(std::string_view bytes);
  std::string finish();  // a character that was never completed becomes U+FFFD

 private:
  std::string held_;  // the beginning of a character, at most three bytes between calls
};

}  // namespace moebius::internal
