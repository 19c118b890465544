// The global functions of a template: range, dict, namespace, and the two that transformers adds, raise_exception and
// strftime_now.
#include <fmt/format.h>

#include <algorithm>

#include "base/quote.h"
#include "template/jinja/compare.h"
#include "template/jinja/repr.h"
#include "template/jinja/runtime.h"

namespace moebius::internal::jinja {
namespace {

Value range(Runtime& runtime, const Value&, const Arguments& arguments) {
  const auto [a, b, c] = arguments.bind(runtime, std::array<std::string_view, 3>{}, 1);
  const int64_t first = integer_of(runtime, *a, "a bound of range()");
  const int64_t begin = b == nullptr ? 0 : first;
  const int64_t end = b == nullptr ? first : integer_of(runtime, *b, "a bound of range()");
  const int64_t step = c == nullptr ? 1 : integer_of(runtime, *c, "a step of range()");
  if (step == 0) runtime.fail("range() needs a step that is not 0");
  std::vector<Value> items;
  int64_t at = begin;
  while (step > 0 ? at < end : at > end) {
    if (static_cast<int64_t>(items.size()) == kMaxCount) {
      runtime.fail(ErrorCode::kTemplateLimit, fmt::format("a range of more than {} elements", kMaxCount));
    }
    runtime.budget.elements(1);
    items.emplace_back(at);
    if (__builtin_add_overflow(at, step, &at)) break;
  }
  return make_sequence(Form::kRange, std::move(items));
}

// dict(mapping or pairs, name=value, ...)
std::vector<Dict::Item> items_from(Runtime& runtime, const Arguments& arguments) {
  if (arguments.positional.size() > 1) runtime.fail(fmt::format("{}() takes one mapping", arguments.function));
  std::vector<Dict::Item> items;
  if (!arguments.positional.empty()) {
    const Value& source = arguments.positional[0];
    if (const Dict* dict = source.dict()) {
      runtime.budget.elements(dict->items.size());
      items = dict->items;
    } else {
      for (const Value& pair : elements_of(runtime, source)) {
        const std::vector<Value> two = elements_of(runtime, pair);
        if (two.size() != 2) runtime.fail(fmt::format("{}() takes pairs of a key and a value", arguments.function));
        set_item(runtime, items, two[0], two[1]);
      }
    }
  }
  for (const auto& [name, value] : arguments.named) set_item(runtime, items, name, value);
  return items;
}

Value dict(Runtime& runtime, const Value&, const Arguments& arguments) {
  return make_dict(items_from(runtime, arguments));
}

Value make_namespace(Runtime& runtime, const Value&, const Arguments& arguments) {
  Namespace* space = runtime.new_namespace();
  for (const auto& [key, value] : items_from(runtime, arguments)) {
    const std::string& name = text_of(runtime, key, "a namespace's attribute").text;
    if (name.starts_with('_')) runtime.fail("a namespace has no attributes that begin with _");
    space->attributes.emplace_back(name, value);
  }
  return space;
}

Value raise_exception(Runtime& runtime, const Value&, const Arguments& arguments) {
  const auto [message] = arguments.bind(runtime, std::array<std::string_view, 1>{"message"}, 1);
  runtime.fail(ErrorCode::kBadConversation, printable(str(runtime, *message)->text, 1000));
}

// Adds one conversion of a format, "%d" or glibc's "%-d" without padding. Other conversions are refused, because
// strftime would do anything with them, such as padding to a billion columns.
void add_date(Runtime& runtime, std::string& out, const std::string& conversion) {
  constexpr std::string_view kLetters = "aAbBcCdDeFgGhHIjklmMnpPrRStTuUVwWxXyYzZ%";
  if (kLetters.find(conversion.back()) == std::string_view::npos) {
    runtime.fail(fmt::format("strftime_now() does not know {}", in_quotes(conversion)));
  }
  char buffer[128];
  out.append(buffer, std::strftime(buffer, sizeof buffer, conversion.c_str(), &runtime.now));
}

Value strftime_now(Runtime& runtime, const Value&, const Arguments& arguments) {
  const auto [format] = arguments.bind(runtime, std::array<std::string_view, 1>{"format"}, 1);
  const Text& text = text_of(runtime, *format, "a date format");
  runtime.budget.bytes(text.text.size());
  std::string out;
  for (size_t at = 0; at < text.text.size(); ++at) {
    if (text.text[at] != '%') {
      out.push_back(text.text[at]);
      continue;
    }
    const size_t length = text.text.substr(at, 2) == "%-" ? 3 : 2;
    if (at + length > text.text.size()) runtime.fail("strftime_now() got an incomplete format");
    add_date(runtime, out, text.text.substr(at, length));
    at += length - 1;
  }
  TextBuilder marked(runtime.budget);
  marked.add(out, has_user_bytes(text) ? Author::kUser : Author::kTemplate);
  return marked.take();
}

constexpr Builtin kFunctions[] = {
    {"dict", dict},   {"namespace", make_namespace},  {"raise_exception", raise_exception},
    {"range", range}, {"strftime_now", strftime_now},
};

}  // namespace

const Builtin* find_function(std::string_view name) {
  const auto* found = std::find_if(std::begin(kFunctions), std::end(kFunctions),
                                   [&](const Builtin& function) { return function.name == name; });
  return found == std::end(kFunctions) ? nullptr : found;
}

}  // namespace moebius::internal::jinja
