// The methods of str that a template may call. They are as in Python, even in which arguments have no name.
#include "template/jinja/methods_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "template/jinja/case.h"
#include "template/jinja/markup.h"
#include "template/jinja/operators.h"
#include "template/jinja/pieces.h"
#include "template/jinja/repr.h"

namespace moebius::internal::jinja {
namespace {

constexpr std::string_view kPositional;  // a parameter that has no name

bool is_given(const Value* value) { return value != nullptr && !value->is<None>(); }

int64_t integer_or(const Runtime& runtime, const Value* value, int64_t otherwise) {
  return is_given(value) ? integer_of(runtime, *value, "an argument") : otherwise;
}

template <Text (*Change)(Budget&, const Text&)>
Value changed(Runtime& runtime, const Value& self, const Arguments& arguments) {
  arguments.expect_none(runtime);
  return Change(runtime.budget, *self.text());
}

template <CharacterClass kClass>
Value is_class(Runtime& runtime, const Value& self, const Arguments& arguments) {
  arguments.expect_none(runtime);
  return all_of_class(runtime.budget, *self.text(), kClass);
}

template <bool (*Holds)(Budget&, const Text&)>
Value holds(Runtime& runtime, const Value& self, const Arguments& arguments) {
  arguments.expect_none(runtime);
  return Holds(runtime.budget, *self.text());
}

template <Side kSide>
Value stripped(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto [characters] = arguments.bind(runtime, std::array{kPositional});
  const Text* set = is_given(characters) ? &text_of(runtime, *characters, "what to strip") : nullptr;
  return strip(runtime.budget, *self.text(), set, kSide);
}

template <Side kSide>
Value pieces(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto [separator, limit] = arguments.bind(runtime, std::array<std::string_view, 2>{"sep", "maxsplit"});
  const int64_t max_splits = integer_or(runtime, limit, kNoLimit);
  const Text& text = *self.text();
  if (!is_given(separator)) {
    return make_sequence(Form::kList, split_words(runtime.budget, text, max_splits, kSide));
  }
  const std::string& words = text_of(runtime, *separator, "a separator").text;
  if (words.empty()) runtime.fail("an empty separator");
  constexpr auto kSplit = kSide == Side::kRight ? split_from_right : split;
  return make_sequence(Form::kList, kSplit(runtime.budget, text, words, max_splits));
}

Value lines(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto [keep] = arguments.bind(runtime, std::array<std::string_view, 1>{"keepends"});
  const LineEnds ends = flag_of(keep) ? LineEnds::kKept : LineEnds::kDropped;
  return make_sequence(Form::kList, split_lines(runtime.budget, *self.text(), ends));
}

// Returns the bytes of text[begin:end], or nothing when begin is beyond the end. The bounds are Python's optional last
// arguments, in code points.
std::optional<std::pair<size_t, size_t>> window(const Runtime& runtime, const Text& text, const Value* from,
                                                const Value* to) {
  if (!is_given(from) && !is_given(to)) return std::pair{size_t{0}, text.text.size()};
  runtime.budget.bytes(text.text.size());
  const auto size = static_cast<int64_t>(count_code_points(text.text));
  const auto clamp = [&](int64_t at) { return at < 0 ? std::max<int64_t>(at + size, 0) : at; };
  const int64_t begin = clamp(integer_or(runtime, from, 0));
  const int64_t end = std::min(clamp(integer_or(runtime, to, size)), size);
  if (begin > end) return std::nullopt;
  return std::pair{byte_of(text.text, static_cast<size_t>(begin)), byte_of(text.text, static_cast<size_t>(end))};
}

template <Side kSide>
int64_t position(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto [wanted, from, to] = arguments.bind(runtime, std::array{kPositional, kPositional, kPositional}, 1);
  const std::string& needle = text_of(runtime, *wanted, "what to find").text;
  const std::string& text = self.text()->text;
  const auto bounds = window(runtime, *self.text(), from, to);
  if (!bounds) return -1;
  const std::string_view part = std::string_view(text).substr(0, bounds->second);
  const size_t at = kSide == Side::kLeft ? find(runtime.budget, part, needle, bounds->first)
                                         : find_last(runtime.budget, part, needle, part.size());
  if (at == kNotFound || at < bounds->first) return -1;
  runtime.budget.bytes(at);
  return static_cast<int64_t>(count_code_points(part.substr(0, at)));
}

template <Side kSide>
Value found(Runtime& runtime, const Value& self, const Arguments& arguments) {
  return position<kSide>(runtime, self, arguments);
}

template <Side kSide>
Value index_of(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const int64_t at = position<kSide>(runtime, self, arguments);
  if (at < 0) runtime.fail("the substring is not there");
  return at;
}

Value count(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto [wanted, from, to] = arguments.bind(runtime, std::array{kPositional, kPositional, kPositional}, 1);
  const std::string& needle = text_of(runtime, *wanted, "what to count").text;
  const auto bounds = window(runtime, *self.text(), from, to);
  if (!bounds) return int64_t{0};
  const std::string_view part = std::string_view(self.text()->text).substr(0, bounds->second);
  if (needle.empty()) {
    runtime.budget.bytes(part.size());
    return static_cast<int64_t>(count_code_points(part.substr(bounds->first)) + 1);
  }
  int64_t total = 0;
  for (size_t at = find(runtime.budget, part, needle, bounds->first); at != kNotFound;
       at = find(runtime.budget, part, needle, at + needle.size())) {
    ++total;
  }
  return total;
}

template <Side kSide>
Value has_affix(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto [affix, from, to] = arguments.bind(runtime, std::array{kPositional, kPositional, kPositional}, 1);
  const auto bounds = window(runtime, *self.text(), from, to);
  if (!bounds) return false;
  const std::string_view part =
      std::string_view(self.text()->text).substr(bounds->first, bounds->second - bounds->first);
  const auto matches = [&](const Value& value) {
    const std::string& wanted = text_of(runtime, value, "a prefix or suffix").text;
    runtime.budget.bytes(wanted.size());
    return kSide == Side::kLeft ? part.starts_with(wanted) : part.ends_with(wanted);
  };
  const Sequence* several = affix->sequence();
  if (several == nullptr || several->form != Form::kTuple) return matches(*affix);
  return std::any_of(several->items.begin(), several->items.end(), matches);
}

template <Side kSide>
Value without_affix(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto [affix] = arguments.bind(runtime, std::array{kPositional}, 1);
  const std::string& wanted = text_of(runtime, *affix, "a prefix or suffix").text;
  const Text& text = *self.text();
  runtime.budget.bytes(wanted.size());
  if constexpr (kSide == Side::kLeft) {
    return slice(runtime.budget, text, text.text.starts_with(wanted) ? wanted.size() : 0, text.text.size());
  }
  return slice(runtime.budget, text, 0, text.text.size() - (text.text.ends_with(wanted) ? wanted.size() : 0));
}

template <Side kSide>
Value partition(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto [separator] = arguments.bind(runtime, std::array{kPositional}, 1);
  const Text& between = text_of(runtime, *separator, "a separator");
  if (between.text.empty()) runtime.fail("an empty separator");
  const Text& text = *self.text();
  const size_t size = text.text.size();
  const size_t at = kSide == Side::kLeft ? find(runtime.budget, text.text, between.text, 0)
                                         : find_last(runtime.budget, text.text, between.text, size);
  const auto part = [&](size_t begin, size_t end) { return Value(slice(runtime.budget, text, begin, end)); };
  if (at == kNotFound) {
    return kSide == Side::kLeft ? make_sequence(Form::kTuple, {self, make_text(""), make_text("")})
                                : make_sequence(Form::kTuple, {make_text(""), make_text(""), self});
  }
  const size_t after = at + between.text.size();
  return make_sequence(Form::kTuple, {part(0, at), part(at, after), part(after, size)});
}

Value replaced(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto [old, with, limit] = arguments.bind(runtime, std::array{kPositional, kPositional, kPositional}, 2);
  const bool is_markup = self.text()->is_markup;
  const Text& from = text_of(runtime, *old, "what to replace");
  const Text& to = text_of(runtime, *with, "a replacement");
  return replace(runtime.budget, *self.text(), is_markup ? escaped(runtime.budget, from) : from,
                 is_markup ? escaped(runtime.budget, to) : to, integer_or(runtime, limit, kNoLimit));
}

Value joined(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto [values] = arguments.bind(runtime, std::array{kPositional}, 1);
  TextBuilder out(runtime.budget);
  bool is_first = true;
  for (const Value& value : elements_of(runtime, *values)) {
    if (!is_first) out.add(*self.text());
    is_first = false;
    const Text& text = text_of(runtime, value, "an element of join()");
    out.add(self.text()->is_markup ? escaped(runtime.budget, text) : text);
  }
  return out.take();
}

// kSide is the side that the text is moved to. The fill goes to the others.
template <Side kSide>
Value justified(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto [width, fill] = arguments.bind(runtime, std::array{kPositional, kPositional}, 1);
  const Text blank{" ", {}};
  const Text& character = fill == nullptr ? blank : text_of(runtime, *fill, "a fill character");
  if (count_code_points(character.text) != 1) runtime.fail("the fill must be one character");
  return pad(runtime, *self.text(), character, integer_of(runtime, *width, "a width"), kSide);
}

Value zero_filled(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto [width] = arguments.bind(runtime, std::array{kPositional}, 1);
  const Text& text = *self.text();
  const bool has_sign = !text.text.empty() && (text.text[0] == '+' || text.text[0] == '-');
  const int64_t digits = integer_of(runtime, *width, "a width");
  if (!has_sign || digits <= 0) return pad(runtime, text, {"0", {}}, digits, Side::kRight);
  TextBuilder out(runtime.budget);
  out.add(text, 0, 1);
  const Text rest = slice(runtime.budget, text, 1, text.text.size());
  out.add(pad(runtime, rest, {"0", {}}, digits - 1, Side::kRight));
  return out.take();
}

Value formatted(Runtime& runtime, const Value& self, const Arguments& arguments) {
  return brace_format(runtime, *self.text(), arguments);
}

constexpr Builtin kTextMethods[] = {
    {"capitalize", changed<capitalize>},
    {"center", justified<Side::kBoth>},
    {"count", count},
    {"endswith", has_affix<Side::kRight>},
    {"find", found<Side::kLeft>},
    {"format", formatted},
    {"index", index_of<Side::kLeft>},
    {"isalnum", is_class<CharacterClass::kAlphanumeric>},
    {"isalpha", is_class<CharacterClass::kAlpha>},
    {"isascii", is_class<CharacterClass::kAscii>},
    {"isdecimal", is_class<CharacterClass::kDecimal>},
    {"isdigit", is_class<CharacterClass::kDigit>},
    {"islower", holds<is_lower>},
    {"isnumeric", is_class<CharacterClass::kNumeric>},
    {"isprintable", is_class<CharacterClass::kPrintable>},
    {"isspace", is_class<CharacterClass::kSpace>},
    {"isupper", holds<is_upper>},
    {"join", joined},
    {"ljust", justified<Side::kLeft>},
    {"lower", changed<lower>},
    {"lstrip", stripped<Side::kLeft>},
    {"partition", partition<Side::kLeft>},
    {"removeprefix", without_affix<Side::kLeft>},
    {"removesuffix", without_affix<Side::kRight>},
    {"replace", replaced},
    {"rfind", found<Side::kRight>},
    {"rindex", index_of<Side::kRight>},
    {"rjust", justified<Side::kRight>},
    {"rpartition", partition<Side::kRight>},
    {"rsplit", pieces<Side::kRight>},
    {"rstrip", stripped<Side::kRight>},
    {"split", pieces<Side::kLeft>},
    {"splitlines", lines},
    {"startswith", has_affix<Side::kLeft>},
    {"strip", stripped<Side::kBoth>},
    {"swapcase", changed<swap_case>},
    {"title", changed<title>},
    {"upper", changed<upper>},
    {"zfill", zero_filled},
};

}  // namespace

Text pad(Runtime& runtime, const Text& text, const Text& fill, int64_t width, Side side) {
  if (width > kMaxCount) runtime.fail(fmt::format("a width of more than {}", kMaxCount));
  const auto size = static_cast<int64_t>(count_code_points(text.text));
  const int64_t missing = std::max<int64_t>(width - size, 0);
  // Python's str.center: of an odd rest the left side gets more when the width is odd too.
  const int64_t left = side == Side::kLeft ? 0 : side == Side::kRight ? missing : missing / 2 + (missing & width & 1);
  TextBuilder out(runtime.budget);
  for (int64_t i = 0; i < left; ++i) out.add(fill);
  out.add(text);
  for (int64_t i = left; i < missing; ++i) out.add(fill);
  return out.take();
}

const Builtin* find_text_method(std::string_view name) {
  const auto has_name = [&](const Builtin& method) { return method.name == name; };
  const auto* method = std::find_if(std::begin(kTextMethods), std::end(kTextMethods), has_name);
  return method == std::end(kTextMethods) ? nullptr : method;
}

}  // namespace moebius::internal::jinja
