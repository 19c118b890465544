// Text with marks, as Python's str sees it: a sequence of code points. Every piece that is copied brings the marks of
// the user's bytes with it, and is paid from the budget. A byte that is made from a user's byte (upper case, an escape)
// is a user's byte. This file builds, slices and searches text. The methods of str are in methods_*.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "template/jinja/budget.h"
#include "template/jinja/value.h"

namespace moebius::internal::jinja {

enum class Author : uint8_t { kTemplate, kUser };

class TextBuilder {
 public:
  explicit TextBuilder(Budget& budget) : budget_(&budget) {}

  void add(std::string_view words, Author author = Author::kTemplate);
  void add(const Text& text) { add(text, 0, text.text.size()); }
  void add(const Text& text, size_t begin, size_t end);  // in bytes
  // Adds bytes made from bytes [begin, end) of the text. They are marked whole when any of those is.
  void add_made_from(std::string_view made, const Text& text, size_t begin, size_t end);
  void repeat(std::string_view words, int64_t count);

  [[nodiscard]] size_t size() const { return text_.text.size(); }
  [[nodiscard]] const Text& text() const { return text_; }
  Text take() { return std::move(text_); }

 private:
  void mark(size_t begin, size_t end);

  Budget* budget_;
  Text text_;
};

bool has_user_bytes(const Text& text, size_t begin, size_t end);
inline bool has_user_bytes(const Text& text) { return !text.user.empty(); }

// ---- code points ----
constexpr size_t kNotFound = std::string_view::npos;

struct CodePoint {
  char32_t value;  // of a byte that is not UTF-8: U+FFFD
  size_t length;   // bytes, at least 1
};
CodePoint code_point_at(std::string_view text, size_t at);
size_t previous_code_point(std::string_view text, size_t at);  // where the code point before `at` begins
size_t count_code_points(std::string_view text);
// Returns the byte where code point `index` begins, or text.size() when there are no more than index.
size_t byte_of(std::string_view text, size_t index);
void append_code_point(std::string& out, char32_t value);

bool is_space(char32_t value);       // Python's str.isspace
bool is_line_break(char32_t value);  // Python's str.splitlines

// Returns the byte where the needle begins at or after `from`. Linear in the text whatever the needle. Charges the
// budget.
size_t find(Budget& budget, std::string_view text, std::string_view needle, size_t from);
// Returns the byte where the last needle begins that ends at or before `end`.
size_t find_last(Budget& budget, std::string_view text, std::string_view needle, size_t end);

Text slice(Budget& budget, const Text& text, size_t begin, size_t end);  // in bytes

}  // namespace moebius::internal::jinja
