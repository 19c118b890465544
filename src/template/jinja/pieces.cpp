// strip, split, splitlines, replace: bytes are only ever copied, so marks stay exact.
#include "template/jinja/pieces.h"

#include <algorithm>

namespace moebius::internal::jinja {
namespace {

class StripSet {
 public:
  StripSet(Budget& budget, const Text* characters) : is_space_(characters == nullptr) {
    if (characters == nullptr) return;
    budget.bytes(characters->text.size());
    for (size_t at = 0; at < characters->text.size();) {
      const CodePoint point = code_point_at(characters->text, at);
      values_.push_back(point.value);
      at += point.length;
    }
    std::sort(values_.begin(), values_.end());
  }
  [[nodiscard]] bool has(char32_t value) const {
    return is_space_ ? is_space(value) : std::binary_search(values_.begin(), values_.end(), value);
  }

 private:
  bool is_space_;
  std::u32string values_;
};

class Pieces {
 public:
  Pieces(Budget& budget, const Text& text) : budget_(budget), text_(text) {}

  void add(size_t begin, size_t end) {
    budget_.elements(1);
    pieces_.emplace_back(slice(budget_, text_, begin, end));
  }
  std::vector<Value> take() { return std::move(pieces_); }
  std::vector<Value> take_reversed() {
    std::reverse(pieces_.begin(), pieces_.end());
    return std::move(pieces_);
  }

 private:
  Budget& budget_;
  const Text& text_;
  std::vector<Value> pieces_;
};

// The kind of characters that skip() skips.
enum class Run : uint8_t { kSpace, kWord };

size_t skip(std::string_view words, size_t at, Run run) {
  while (at < words.size()) {
    const CodePoint point = code_point_at(words, at);
    if (is_space(point.value) != (run == Run::kSpace)) break;
    at += point.length;
  }
  return at;
}

size_t skip_back(std::string_view words, size_t at, Run run) {
  while (at > 0) {
    const size_t before = previous_code_point(words, at);
    if (is_space(code_point_at(words, before).value) != (run == Run::kSpace)) break;
    at = before;
  }
  return at;
}

// Python inserts the new text around every character when the text that it replaces is empty.
Text insert_between(Budget& budget, const Text& text, const Text& with, int64_t max_count) {
  TextBuilder out(budget);
  size_t at = 0;
  for (int64_t count = 0; max_count < 0 || count < max_count; ++count) {
    out.add(with);
    if (at == text.text.size()) return out.take();
    const size_t length = code_point_at(text.text, at).length;
    out.add(text, at, at + length);
    at += length;
  }
  out.add(text, at, text.text.size());
  return out.take();
}

}  // namespace

Text strip(Budget& budget, const Text& text, const Text* characters, Side side) {
  const StripSet set(budget, characters);
  const std::string_view words = text.text;
  budget.bytes(words.size());
  size_t begin = 0;
  size_t end = words.size();
  while (side != Side::kRight && begin < end) {
    const CodePoint point = code_point_at(words, begin);
    if (!set.has(point.value)) break;
    begin += point.length;
  }
  while (side != Side::kLeft && begin < end) {
    const size_t before = previous_code_point(words, end);
    if (!set.has(code_point_at(words, before).value)) break;
    end = before;
  }
  return slice(budget, text, begin, end);
}

std::vector<Value> split_words(Budget& budget, const Text& text, int64_t max_splits, Side from) {
  const std::string_view words = text.text;
  budget.bytes(words.size());
  Pieces pieces(budget, text);
  if (from == Side::kRight) {
    size_t end = skip_back(words, words.size(), Run::kSpace);
    for (int64_t count = 0; end > 0; ++count) {
      const bool is_rest = max_splits >= 0 && count == max_splits;
      const size_t begin = is_rest ? 0 : skip_back(words, end, Run::kWord);
      pieces.add(begin, end);
      end = is_rest ? 0 : skip_back(words, begin, Run::kSpace);
    }
    return pieces.take_reversed();
  }
  size_t begin = skip(words, 0, Run::kSpace);
  for (int64_t count = 0; begin < words.size(); ++count) {
    const bool is_rest = max_splits >= 0 && count == max_splits;
    const size_t end = is_rest ? words.size() : skip(words, begin, Run::kWord);
    pieces.add(begin, end);
    begin = skip(words, end, Run::kSpace);
  }
  return pieces.take();
}

std::vector<Value> split(Budget& budget, const Text& text, std::string_view separator, int64_t max_splits) {
  Pieces pieces(budget, text);
  size_t begin = 0;
  for (int64_t count = 0; max_splits < 0 || count < max_splits; ++count) {
    const size_t at = find(budget, text.text, separator, begin);
    if (at == kNotFound) break;
    pieces.add(begin, at);
    begin = at + separator.size();
  }
  pieces.add(begin, text.text.size());
  return pieces.take();
}

std::vector<Value> split_from_right(Budget& budget, const Text& text, std::string_view separator, int64_t max_splits) {
  Pieces pieces(budget, text);
  size_t end = text.text.size();
  for (int64_t count = 0; max_splits < 0 || count < max_splits; ++count) {
    const size_t at = find_last(budget, text.text, separator, end);
    if (at == kNotFound) break;
    pieces.add(at + separator.size(), end);
    end = at;
  }
  pieces.add(0, end);
  return pieces.take_reversed();
}

std::vector<Value> split_lines(Budget& budget, const Text& text, LineEnds ends) {
  const std::string_view words = text.text;
  budget.bytes(words.size());
  Pieces pieces(budget, text);
  size_t begin = 0;
  for (size_t at = 0; at < words.size();) {
    const CodePoint point = code_point_at(words, at);
    size_t next = at + point.length;
    if (is_line_break(point.value)) {
      if (point.value == '\r' && next < words.size() && words[next] == '\n') ++next;
      pieces.add(begin, ends == LineEnds::kKept ? next : at);
      begin = next;
    }
    at = next;
  }
  if (begin < words.size()) pieces.add(begin, words.size());
  return pieces.take();
}

Text replace(Budget& budget, const Text& text, const Text& old, const Text& with, int64_t max_count) {
  if (old.text.empty()) return insert_between(budget, text, with, max_count);
  TextBuilder out(budget);
  size_t begin = 0;
  for (int64_t count = 0; max_count < 0 || count < max_count; ++count) {
    const size_t at = find(budget, text.text, old.text, begin);
    if (at == kNotFound) break;
    out.add(text, begin, at);
    out.add(with);
    begin = at + old.text.size();
  }
  out.add(text, begin, text.text.size());
  return out.take();
}

}  // namespace moebius::internal::jinja
