// Building text with marks; walking over UTF-8.
#include "template/jinja/text.h"

#include <string.h>  // for memmem: the standard library's find is quadratic on a needle like "aaaa...b"

#include <algorithm>

#include "base/quote.h"

namespace moebius::internal::jinja {

void TextBuilder::mark(size_t begin, size_t end) {
  if (begin == end) return;
  if (!text_.user.empty() && text_.user.back().end == begin) {
    text_.user.back().end = end;
  } else {
    text_.user.push_back({begin, end});
  }
}

void TextBuilder::add(std::string_view words, Author author) {
  budget_->bytes(words.size());
  const size_t begin = size();
  budget_->check_text(begin + words.size());
  text_.text.append(words);
  if (author == Author::kUser) mark(begin, size());
}

void TextBuilder::add(const Text& text, size_t begin, size_t end) {
  const auto ends_before = [](const ByteRange& range, size_t at) { return range.end <= at; };
  auto range = std::lower_bound(text.user.begin(), text.user.end(), begin, ends_before);
  const size_t start = size();
  add(std::string_view(text.text).substr(begin, end - begin));
  for (; range != text.user.end() && range->begin < end; ++range) {
    budget_->step();
    mark(start + std::max(range->begin, begin) - begin, start + std::min(range->end, end) - begin);
  }
}

void TextBuilder::add_made_from(std::string_view made, const Text& text, size_t begin, size_t end) {
  add(made, has_user_bytes(text, begin, end) ? Author::kUser : Author::kTemplate);
}

void TextBuilder::repeat(std::string_view words, int64_t count) {
  if (count <= 0 || words.empty()) return;
  budget_->check_text(size() + std::min<uint64_t>(count, UINT32_MAX) * words.size());
  for (int64_t i = 0; i < count; ++i) add(words);
}

bool has_user_bytes(const Text& text, size_t begin, size_t end) {
  const auto ends_before = [](const ByteRange& range, size_t at) { return range.end <= at; };
  const auto range = std::lower_bound(text.user.begin(), text.user.end(), begin, ends_before);
  return range != text.user.end() && range->begin < end;
}

CodePoint code_point_at(std::string_view text, size_t at) {
  const auto byte = [&](size_t offset) { return static_cast<char32_t>(static_cast<unsigned char>(text[at + offset])); };
  if (byte(0) < 0x80) return {byte(0), 1};
  switch (utf8_length(text, at)) {
    case 2:
      return {(byte(0) & 0x1f) << 6 | (byte(1) & 0x3f), 2};
    case 3:
      return {(byte(0) & 0x0f) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f), 3};
    case 4:
      return {(byte(0) & 0x07) << 18 | (byte(1) & 0x3f) << 12 | (byte(2) & 0x3f) << 6 | (byte(3) & 0x3f), 4};
    default:
      return {0xfffd, 1};
  }
}

size_t previous_code_point(std::string_view text, size_t at) {
  const auto continues = [&](size_t byte) { return (static_cast<unsigned char>(text[byte]) & 0xc0) == 0x80; };
  size_t begin = at - 1;
  while (begin > 0 && at - begin < 4 && continues(begin)) --begin;
  return code_point_at(text, begin).length == at - begin ? begin : at - 1;
}

size_t count_code_points(std::string_view text) {
  size_t count = 0;
  for (size_t at = 0; at < text.size(); at += code_point_at(text, at).length) ++count;
  return count;
}

size_t byte_of(std::string_view text, size_t index) {
  size_t at = 0;
  for (; index > 0 && at < text.size(); --index) at += code_point_at(text, at).length;
  return at;
}

void append_code_point(std::string& out, char32_t value) {
  const auto put = [&](char32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (value < 0x80) {
    put(value);
  } else if (value < 0x800) {
    put(0xc0 | value >> 6);
    put(0x80 | (value & 0x3f));
  } else if (value < 0x10000) {
    put(0xe0 | value >> 12);
    put(0x80 | (value >> 6 & 0x3f));
    put(0x80 | (value & 0x3f));
  } else {
    put(0xf0 | value >> 18);
    put(0x80 | (value >> 12 & 0x3f));
    put(0x80 | (value >> 6 & 0x3f));
    put(0x80 | (value & 0x3f));
  }
}

bool is_space(char32_t value) {
  return (value >= 0x09 && value <= 0x0d) || (value >= 0x1c && value <= 0x20) || value == 0x85 || value == 0xa0 ||
         value == 0x1680 || (value >= 0x2000 && value <= 0x200a) || value == 0x2028 || value == 0x2029 ||
         value == 0x202f || value == 0x205f || value == 0x3000;
}

bool is_line_break(char32_t value) {
  return (value >= 0x0a && value <= 0x0d) || (value >= 0x1c && value <= 0x1e) || value == 0x85 || value == 0x2028 ||
         value == 0x2029;
}

size_t find(Budget& budget, std::string_view text, std::string_view needle, size_t from) {
  if (from > text.size()) return kNotFound;
  const std::string_view rest = text.substr(from);
  const void* found = memmem(rest.data(), rest.size(), needle.data(), needle.size());
  const size_t at = found == nullptr ? kNotFound : static_cast<size_t>(static_cast<const char*>(found) - text.data());
  budget.bytes(needle.size() + (at == kNotFound ? rest.size() : at - from));
  return at;
}

size_t find_last(Budget& budget, std::string_view text, std::string_view needle, size_t end) {
  if (needle.size() > end) return kNotFound;
  for (size_t at = end - needle.size();; --at) {
    size_t same = 0;
    while (same < needle.size() && text[at + same] == needle[same]) ++same;
    budget.bytes(same);
    if (same == needle.size()) return at;
    if (at == 0) return kNotFound;
  }
}

Text slice(Budget& budget, const Text& text, size_t begin, size_t end) {
  TextBuilder out(budget);
  out.add(text, begin, end);
  return out.take();
}

}  // namespace moebius::internal::jinja
