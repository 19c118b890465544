// Binding of arguments, iteration, and the messages of a wrong type.
#include "template/jinja/runtime.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/quote.h"

namespace moebius::internal::jinja {

namespace {

const char* hint_for(ErrorCode code) {
  switch (code) {
    case ErrorCode::kBadConversation:
      return "the model's chat template takes no such conversation: change the messages";
    case ErrorCode::kTemplateLimit:
      return "use another template, or a shorter conversation";
    default:
      return "the template or the conversation's form is wrong for this model";
  }
}

}  // namespace

void Runtime::fail(ErrorCode code, const std::string& what) const {
  throw Error(code, fmt::format("{}: line {}", where_, line), what, hint_for(code));
}

void Arguments::bind(const Runtime& runtime, const Parameters& parameters) const {
  if (positional.size() > parameters.count) {
    runtime.fail(fmt::format("{}() takes at most {} arguments, got {}", function, parameters.count, positional.size()));
  }
  for (size_t i = 0; i < positional.size(); ++i) parameters.bound[i] = &positional[i];
  for (const auto& [name, value] : named) {
    const std::string_view* end = parameters.names + parameters.count;
    const std::string_view* found = std::find(parameters.names, end, name->text);
    if (found == end || name->text.empty()) {
      runtime.fail(fmt::format("{}() has no parameter {}", function, in_quotes(name->text)));
    }
    const Value*& slot = parameters.bound[found - parameters.names];
    if (slot != nullptr) runtime.fail(fmt::format("{}() got two values for {}", function, in_quotes(name->text)));
    slot = &value;
  }
}

void Arguments::refuse_missing(const Runtime& runtime, size_t required) const {
  runtime.fail(fmt::format("{}() needs {} argument{}, got {}", function, required, required == 1 ? "" : "s",
                           positional.size() + named.size()));
}

void Arguments::expect_none(const Runtime& runtime) const {
  if (positional.empty() && named.empty()) return;
  runtime.fail(fmt::format("{}() takes no arguments", function));
}

void refuse_big_integer(const Runtime& runtime) { runtime.fail("an integer of more than 64 bits"); }

int64_t integer_of(const Runtime& runtime, const Value& value, std::string_view what) {
  if (const auto* number = value.get<int64_t>()) return *number;
  if (const auto* boolean = value.get<bool>()) return *boolean ? 1 : 0;
  if (value.big_integer() != nullptr) refuse_big_integer(runtime);
  runtime.fail(fmt::format("{} must be an integer, not {}", what, type_name(value)));
}

const Text& text_of(const Runtime& runtime, const Value& value, std::string_view what) {
  if (const Text* text = value.text()) return *text;
  runtime.fail(fmt::format("{} must be a string, not {}", what, type_name(value)));
}

const Dict& dict_of(const Runtime& runtime, const Value& value, std::string_view what) {
  if (const Dict* dict = value.dict()) return *dict;
  runtime.fail(fmt::format("{} must be a mapping, not {}", what, type_name(value)));
}

namespace {

std::vector<Value> characters(Runtime& runtime, const Text& text) {
  std::vector<Value> out;
  for (size_t at = 0; at < text.text.size();) {
    const size_t length = code_point_at(text.text, at).length;
    runtime.budget.elements(1);
    out.emplace_back(slice(runtime.budget, text, at, at + length));
    at += length;
  }
  return out;
}

}  // namespace

std::vector<Value> elements_of(Runtime& runtime, const Value& value) {
  if (value.is_undefined()) return {};
  if (const Text* text = value.text()) return characters(runtime, *text);
  if (const Sequence* sequence = value.sequence()) {
    runtime.budget.elements(sequence->items.size());
    return sequence->items;
  }
  if (const Dict* dict = value.dict()) {
    runtime.budget.elements(dict->items.size());
    std::vector<Value> keys;
    keys.reserve(dict->items.size());
    for (const auto& [key, item] : dict->items) keys.push_back(key);
    return keys;
  }
  if (const auto* generator = value.get<std::shared_ptr<Generator>>()) {
    const std::vector<Value>& items = (*generator)->source->items;
    const size_t next = std::exchange((*generator)->next, items.size());
    runtime.budget.elements(items.size() - next);
    return {items.begin() + static_cast<ptrdiff_t>(next), items.end()};
  }
  runtime.fail(fmt::format("{} is not iterable", type_name(value)));
}

bool is_iterable(const Value& value) {
  return value.is_undefined() || value.text() != nullptr || value.sequence() != nullptr || value.dict() != nullptr ||
         value.is<std::shared_ptr<Generator>>() || value.is<std::weak_ptr<Loop>>();
}

bool is_hashable(const Value& value) {
  if (value.dict() != nullptr) return false;
  const Sequence* sequence = value.sequence();
  if (sequence == nullptr || sequence->form == Form::kRange) return true;
  return sequence->form == Form::kTuple && std::all_of(sequence->items.begin(), sequence->items.end(), is_hashable);
}

size_t length_of(const Runtime& runtime, const Value& value) {
  if (value.is_undefined()) return 0;
  if (const Text* text = value.text()) {
    runtime.budget.bytes(text->text.size());
    return count_code_points(text->text);
  }
  if (const Sequence* sequence = value.sequence()) return sequence->items.size();
  if (const Dict* dict = value.dict()) return dict->items.size();
  runtime.fail(fmt::format("{} has no length", type_name(value)));
}

}  // namespace moebius::internal::jinja
