// A byte either extends the character that is held or breaks it; the rules of the second byte are those of
// utf8_length (base/quote.h).
#include "text/utf8_repair.h"

#include <algorithm>
#include <utility>

#include "base/quote.h"

namespace moebius {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";
// What may complete a character that is cut off: one of these second bytes fits every first byte that has any.
constexpr std::string_view kSecondBytes = "\x80\x90\xa0";
constexpr size_t kMaxBytes = 4;

// Whether more bytes can make `part` one character.
bool is_cut_off(std::string_view part) {
  std::string whole(part);
  if (part.size() == 1) {
    return std::ranges::any_of(kSecondBytes, [&](char second) {
      whole = std::string(part) + second + "\x80\x80";
      return utf8_length(whole, 0) > 1;
    });
  }
  while (whole.size() < kMaxBytes) whole += '\x80';
  return utf8_length(whole, 0) > part.size();
}

}  // namespace

std::string Utf8Repair::feed(std::string_view bytes) {
  std::string out;
  out.reserve(held_.size() + bytes.size());
  for (const char byte : bytes) {
    held_ += byte;
    if (utf8_length(held_, 0) == held_.size()) {
      out += std::exchange(held_, {});
    } else if (!is_cut_off(held_)) {
      // The part before this byte is broken; the byte itself may begin a character.
      if (held_.size() > 1) {
        held_.pop_back();
        out += kReplacement;
        held_.assign(1, byte);
      }
      if (utf8_length(held_, 0) == 1) {
        out += std::exchange(held_, {});
      } else if (!is_cut_off(held_)) {
        out += kReplacement;
        held_.clear();
      }
    }
  }
  return out;
}

std::string Utf8Repair::finish() {
  const bool broken = !std::exchange(held_, {}).empty();
  return broken ? std::string(kReplacement) : std::string();
}

}  // namespace moebius
