// Unicode normalization form C as the `tokenizers` wheel computes it: only code points that its tables know take part
// (kNfcActive). utf8proc decomposes and composes pairs. The time is linear but for a stable sort of each run of
// combining marks; utf8proc's own insertion sort is quadratic there.
#pragma once

#include <string_view>

#include "base/marked_view.h"

namespace moebius::internal {

// Tells whether no character of the text can change. Such text is NFC, and stays so whatever stands around it. The text
// must be valid UTF-8.
bool is_nfc_inert(std::string_view text);

// Normalizes the text. A character that is composed of several is the user's when one of them was.
MarkedText to_nfc(const MarkedView& marked);

}  // namespace moebius::internal
