// Cuts text into stretches that NFC leaves alone and runs. A run is one inert character and the active ones behind it.
#include "tokenizer/nfc.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/check.h"
#include "tokenizer/char_classes.h"

namespace moebius::internal {
namespace {

struct Part {
  utf8proc_int32_t code;
  int combining_class;  // 0: a starter, which no mark passes
};

constexpr char kFirstActiveByte = '\xcc';  // the first byte of U+0300
constexpr size_t kMaxDecomposition = 18;   // what utf8proc says is enough

// utf8proc takes a sum of options in the type of a single option.
utf8proc_option_t option(int sum) {
  return static_cast<utf8proc_option_t>(sum);  // NOLINT(clang-analyzer-optin.core.EnumCastOutOfRange)
}

Part part_of(utf8proc_int32_t code) {
  const bool is_active = (CharClasses::get().of(static_cast<char32_t>(code)) & kNfcActive) != 0;
  return {code, is_active ? utf8proc_get_property(code)->combining_class : 0};
}

// The first active character at or behind `at`, and the character before it.
struct Active {
  size_t before;
  size_t at;
};

Active find_active(std::string_view text, size_t at) {
  const CharClasses& classes = CharClasses::get();
  size_t before = at;
  while (at < text.size()) {
    const Char next = char_at(text, at);
    const bool may_be = static_cast<uint8_t>(text[at]) >= static_cast<uint8_t>(kFirstActiveByte);
    if (may_be && (classes.of(next.code) & kNfcActive) != 0) break;
    before = at;
    at += next.bytes;
  }
  return {before, at};
}

size_t end_of_active(std::string_view text, size_t at) {
  const CharClasses& classes = CharClasses::get();
  while (at < text.size()) {
    const Char next = char_at(text, at);
    if ((classes.of(next.code) & kNfcActive) == 0) break;
    at += next.bytes;
  }
  return at;
}

std::vector<Part> decomposed(std::string_view run) {
  std::vector<Part> parts;
  for (size_t at = 0; at < run.size();) {
    const Char next = char_at(run, at);
    std::array<utf8proc_int32_t, kMaxDecomposition> codes{};
    int boundary = 0;
    const utf8proc_ssize_t count =
        utf8proc_decompose_char(static_cast<utf8proc_int32_t>(next.code), codes.data(), codes.size(),
                                option(UTF8PROC_DECOMPOSE | UTF8PROC_STABLE), &boundary);
    MOEBIUS_CHECK(count >= 0 && count <= static_cast<utf8proc_ssize_t>(codes.size()));
    for (utf8proc_ssize_t i = 0; i < count; ++i) parts.push_back(part_of(codes[static_cast<size_t>(i)]));
    at += next.bytes;
  }
  return parts;
}

// Canonical ordering: sorts the marks between two starters by combining class.
void order_marks(std::vector<Part>& parts) {
  const auto is_mark = [](const Part& part) { return part.combining_class != 0; };
  const auto is_less = [](const Part& a, const Part& b) { return a.combining_class < b.combining_class; };
  for (auto first = parts.begin(); first != parts.end();) {
    first = std::find_if(first, parts.end(), is_mark);
    const auto last = std::find_if_not(first, parts.end(), is_mark);
    if (!std::is_sorted(first, last, is_less)) std::stable_sort(first, last, is_less);
    first = last;
  }
}

std::string composed(const std::vector<Part>& parts) {
  std::vector<utf8proc_int32_t> codes;
  codes.reserve(parts.size());
  for (const Part& part : parts) codes.push_back(part.code);
  const utf8proc_ssize_t count = utf8proc_normalize_utf32(codes.data(), static_cast<utf8proc_ssize_t>(codes.size()),
                                                          option(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
  MOEBIUS_CHECK(count >= 0 && count <= static_cast<utf8proc_ssize_t>(codes.size()));
  std::string text;
  for (utf8proc_ssize_t i = 0; i < count; ++i) {
    std::array<utf8proc_uint8_t, 4> bytes{};
    const utf8proc_ssize_t length = utf8proc_encode_char(codes[static_cast<size_t>(i)], bytes.data());
    text.append(reinterpret_cast<const char*>(bytes.data()), static_cast<size_t>(length));
  }
  return text;
}

std::string nfc_of_run(std::string_view run) {
  std::vector<Part> parts = decomposed(run);
  order_marks(parts);
  return composed(parts);
}

}  // namespace

bool is_nfc_inert(std::string_view text) { return find_active(text, 0).at == text.size(); }

MarkedText to_nfc(const MarkedView& marked) {
  const std::string_view text = marked.text;
  MarkedBuilder out(marked.user);
  for (size_t at = 0; at < text.size();) {
    const Active active = find_active(text, at);
    const size_t run_begin = active.at == text.size() ? text.size() : active.before;
    out.copy(text.substr(at, run_begin - at), at);
    const size_t run_end = end_of_active(text, active.at);
    const std::string_view run = text.substr(run_begin, run_end - run_begin);
    const std::string normal = nfc_of_run(run);
    if (normal == run) {
      out.copy(run, run_begin);
    } else {
      out.replace(normal, run_begin, run_end);
    }
    at = run_end;
  }
  return out.finish();
}

}  // namespace moebius::internal
