// A stream of bytes made valid UTF-8: what is no character becomes U+FFFD, one per maximal broken part as in the
// Unicode standard (3.9, table 3-8), and a character that is cut by the end of a piece waits for the next one.
#pragma once

#include <string>
#include <string_view>

namespace moebius {

class Utf8Repair {
 public:
  std::string feed(std::string_view bytes);
  std::string finish();  // a character that was never completed becomes U+FFFD

 private:
  std::string held_;  // the first one to three bytes of a character
};

}  // namespace moebius
