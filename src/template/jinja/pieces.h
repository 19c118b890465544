// Cutting and joining of text, shared by methods and filters: strip, split, replace, lines.
#pragma once

#include <vector>

#include "template/jinja/text.h"

namespace moebius::internal::jinja {

enum class Side { kBoth, kLeft, kRight };
// characters: what to strip. nullptr means white space.
Text strip(Budget& budget, const Text& text, const Text* characters, Side side);

constexpr int64_t kNoLimit = -1;
std::vector<Value> split_words(Budget& budget, const Text& text, int64_t max_splits, Side from);
std::vector<Value> split(Budget& budget, const Text& text, std::string_view separator, int64_t max_splits);
std::vector<Value> split_from_right(Budget& budget, const Text& text, std::string_view separator, int64_t max_splits);
enum class LineEnds { kDropped, kKept };
std::vector<Value> split_lines(Budget& budget, const Text& text, LineEnds ends);

Text replace(Budget& budget, const Text& text, const Text& old, const Text& with, int64_t max_count);

}  // namespace moebius::internal::jinja
