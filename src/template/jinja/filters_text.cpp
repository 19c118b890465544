// Filters that make text.
#include <fmt/format.h>

#include <algorithm>

#include "template/jinja/case.h"
#include "template/jinja/filters.h"
#include "template/jinja/markup.h"
#include "template/jinja/methods_text.h"
#include "template/jinja/operators.h"
#include "template/jinja/repr.h"

namespace moebius::internal::jinja {
namespace {

bool is_given(const Value* value) { return value != nullptr && !value->is<None>(); }

// Makes the result markup when the input is markup.
Value like(const Value& self, Text made) {
  made.is_markup = self.text() != nullptr && self.text()->is_markup;
  return made;
}

template <Text (*Change)(Budget&, const Text&)>
Value changed(Runtime& runtime, const Value& self, const Arguments& arguments) {
  arguments.expect_none(runtime);
  return like(self, Change(runtime.budget, *str(runtime, self)));
}

Value string(Runtime& runtime, const Value& self, const Arguments& arguments) {
  arguments.expect_none(runtime);
  return str(runtime, self);
}

Value trim(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto [characters] = arguments.bind(runtime, std::array<std::string_view, 1>{"chars"});
  const Text* set = is_given(characters) ? &text_of(runtime, *characters, "what to trim") : nullptr;
  return like(self, strip(runtime.budget, *str(runtime, self), set, Side::kBoth));
}

Value replaced(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto [old, with, limit] = arguments.bind(runtime, std::array<std::string_view, 3>{"old", "new", "count"}, 2);
  const int64_t max_count = is_given(limit) ? integer_of(runtime, *limit, "a count") : kNoLimit;
  return replace(runtime.budget, *str(runtime, self), *str(runtime, *old), *str(runtime, *with), max_count);
}

Text indentation(Runtime& runtime, const Value* width) {
  if (width != nullptr && width->text() != nullptr) {
    return slice(runtime.budget, *width->text(), 0, width->text()->text.size());
  }
  const int64_t columns = width == nullptr ? 4 : integer_of(runtime, *width, "an indent");
  if (columns > kMaxCount) runtime.fail(fmt::format("an indent of more than {}", kMaxCount));
  return {std::string(static_cast<size_t>(std::max<int64_t>(columns, 0)), ' '), {}};
}

Value indent(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto [width, first, blank] =
      arguments.bind(runtime, std::array<std::string_view, 3>{"width", "first", "blank"});
  const Text& text = text_of(runtime, self, "what to indent");
  const Text margin = indentation(runtime, width);
  TextBuilder with_end(runtime.budget);  // so that a last empty line counts as one
  with_end.add(text);
  with_end.add("\n");
  TextBuilder out(runtime.budget);
  if (flag_of(first)) out.add(margin);
  bool is_first = true;
  for (const Value& line : split_lines(runtime.budget, with_end.text(), LineEnds::kDropped)) {
    const bool has_margin = flag_of(blank) || !line.text()->text.empty();
    if (!is_first) out.add("\n");
    if (!is_first && has_margin) out.add(margin);
    out.add(*line.text());
    is_first = false;
  }
  return like(self, out.take());
}

Value centered(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto [width] = arguments.bind(runtime, std::array<std::string_view, 1>{"width"});
  const int64_t columns = width == nullptr ? 80 : integer_of(runtime, *width, "a width");
  return like(self, pad(runtime, *str(runtime, self), {{" ", {}}}, columns, Side::kBoth));
}

Value truncated(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto [length, kill, end, leeway] =
      arguments.bind(runtime, std::array<std::string_view, 4>{"length", "killwords", "end", "leeway"});
  const Text ellipsis{"...", {}};
  const Text& dots = end == nullptr ? ellipsis : text_of(runtime, *end, "an end");
  const int64_t most = length == nullptr ? 255 : integer_of(runtime, *length, "a length");
  const int64_t extra = is_given(leeway) ? integer_of(runtime, *leeway, "a leeway") : 5;
  const auto end_size = static_cast<int64_t>(count_code_points(dots.text));
  if (most < end_size || extra < 0) runtime.fail("truncate() cannot be that short");
  if (static_cast<int64_t>(length_of(runtime, self)) - extra <= most) return self;
  const Text& text = text_of(runtime, self, "what to truncate");
  size_t cut = byte_of(text.text, static_cast<size_t>(most - end_size));
  if (!flag_of(kill)) {
    const size_t space = find_last(runtime.budget, text.text, " ", cut);
    if (space != kNotFound) cut = space;
  }
  TextBuilder out(runtime.budget);
  out.add(text, 0, cut);
  out.add(dots);
  return out.take();
}

Value safe(Runtime& runtime, const Value& self, const Arguments& arguments) {
  arguments.expect_none(runtime);
  return as_markup(runtime.budget, str(runtime, self));
}

Value escape(Runtime& runtime, const Value& self, const Arguments& arguments) {
  arguments.expect_none(runtime);
  return as_markup(runtime.budget, escaped(runtime.budget, *str(runtime, self)));
}

Value force_escape(Runtime& runtime, const Value& self, const Arguments& arguments) {
  arguments.expect_none(runtime);
  const TextPtr text = str(runtime, self);
  const Text plain = slice(runtime.budget, *text, 0, text->text.size());  // a slice is not markup
  return as_markup(runtime.budget, escaped(runtime.budget, plain));
}

Value format(Runtime& runtime, const Value& self, const Arguments& arguments) {
  if (arguments.named.empty()) {
    return percent_format(runtime, *str(runtime, self), make_sequence(Form::kTuple, arguments.positional));
  }
  if (!arguments.positional.empty()) runtime.fail("format() takes values by position or by name, not both");
  std::vector<Dict::Item> items;
  for (const auto& [name, value] : arguments.named) items.emplace_back(name, value);
  return percent_format(runtime, *str(runtime, self), make_dict(std::move(items)));
}

Text separator(Runtime& runtime, const Value& value) {
  const Text& text = text_of(runtime, value, "a JSON separator");
  return slice(runtime.budget, text, 0, text.text.size());
}

Value tojson(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto [ascii, indent, separators, sort] =
      arguments.bind(runtime, std::array<std::string_view, 4>{"ensure_ascii", "indent", "separators", "sort_keys"});
  JsonStyle style;
  style.ascii_only = flag_of(ascii);
  style.sort_keys = flag_of(sort);
  if (is_given(indent)) {
    style.has_indent = true;
    style.indent = indentation(runtime, indent);
    style.item_separator = {",", {}};
  }
  if (is_given(separators)) {
    const std::vector<Value> two = elements_of(runtime, *separators);
    if (two.size() != 2) runtime.fail("JSON needs two separators");
    style.item_separator = separator(runtime, two[0]);
    style.key_separator = separator(runtime, two[1]);
  }
  TextBuilder out(runtime.budget);
  add_json(runtime, out, self, style);
  return out.take();
}

Value word_count(Runtime& runtime, const Value& self, const Arguments& arguments) {
  arguments.expect_none(runtime);
  const TextPtr text = str(runtime, self);
  int64_t words = 0;
  bool is_inside = false;
  for (const Value& character : elements_of(runtime, text)) {
    const Text& one = *character.text();
    const bool is_word = one.text == "_" || all_of_class(runtime.budget, one, CharacterClass::kAlphanumeric);
    if (is_word && !is_inside) ++words;
    is_inside = is_word;
  }
  return words;
}

constexpr Builtin kFilters[] = {
    {"capitalize", changed<capitalize>},
    {"center", centered},
    {"e", escape},
    {"escape", escape},
    {"forceescape", force_escape},
    {"format", format},
    {"indent", indent},
    {"lower", changed<lower>},
    {"replace", replaced},
    {"safe", safe},
    {"string", string},
    {"title", changed<filter_title>},
    {"tojson", tojson},
    {"trim", trim},
    {"truncate", truncated},
    {"upper", changed<upper>},
    {"wordcount", word_count},
};

}  // namespace

std::span<const Builtin> text_filters() { return kFilters; }

}  // namespace moebius::internal::jinja
