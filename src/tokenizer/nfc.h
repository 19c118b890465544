// Unicode normalization form C as the `tokenizers` wheel computes it: only code points that its tables know take part
// (kNfcActive). Linear but for a stable sort of each run of combining marks; utf8proc's own insertion sort is quadratic
// there. Pairs are decomposed and composed by utf8proc.
#pragma once

#include <string_view>

#include "base/marked_view.h"

namespace moebius::internal {

// No character of it can change: text is NFC, and stays so whatever stands around. The text is valid UTF-8.
bool is_nfc_inert(std::string_view text);

// A character that is composed of several is the user's when one of them was.
MarkedText to_nfc(const MarkedView& marked);

}  // namespace moebius::internal
