// `object.name`, `object[index]`, `object[a:b:c]`: what the sandbox lets a template see. There is no object model to
// escape from: keys of dictionaries, elements of sequences, and the methods of methods.cpp are all there is.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/quote.h"
#include "template/jinja/compare.h"
#include "template/jinja/loop.h"
#include "template/jinja/runtime.h"

namespace moebius::internal::jinja {
namespace {

// The sandbox hides methods that change their object, even behind a key of the same name.
bool is_hidden(const Value& object, std::string_view name) {
  if (name.starts_with("__")) return true;
  if (object.dict() == nullptr) return false;
  constexpr std::string_view kChanging[] = {"clear", "pop", "popitem", "setdefault", "update"};
  return std::find(std::begin(kChanging), std::end(kChanging), name) != std::end(kChanging);
}

// Refuses methods of Python's str that are not here. Without an error they would be undefined, and a template would go
// on without them.
[[noreturn]] void refuse_method(const Runtime& runtime, std::string_view name) {
  runtime.fail(fmt::format("the string method {} is not supported", in_quotes(name)));
}

bool is_unsupported(const Value& object, std::string_view name) {
  constexpr std::string_view kUnsupported[] = {"casefold",     "encode",  "expandtabs", "format_map",
                                               "isidentifier", "istitle", "maketrans",  "translate"};
  return object.text() != nullptr &&
         std::find(std::begin(kUnsupported), std::end(kUnsupported), name) != std::end(kUnsupported);
}

std::optional<Value> member(Runtime& runtime, const Value& object, std::string_view name) {
  if (auto* const* space = object.get<Namespace*>()) {
    for (const auto& [key, value] : (*space)->attributes) {
      runtime.budget.step();
      if (key == name) return value;
    }
    return std::nullopt;
  }
  if (const auto* weak = object.get<std::weak_ptr<Loop>>()) {
    const std::shared_ptr<Loop> loop = weak->lock();
    if (loop == nullptr) runtime.fail("this loop is over");
    if (auto value = loop->attribute(name)) return value;
  }
  if (is_unsupported(object, name)) refuse_method(runtime, name);
  const Builtin* method = find_method(object, name);
  if (method == nullptr) return std::nullopt;
  return std::make_shared<const Callable>(Callable{method, object, nullptr, {}});
}

[[noreturn]] void refuse_undefined(const Runtime& runtime, std::string_view name) {
  runtime.fail(fmt::format("asks an undefined value for {}", in_quotes(name)));
}

Value element(Runtime& runtime, const Value& object, int64_t index) {
  if (const Text* text = object.text()) {
    const auto size = static_cast<int64_t>(length_of(runtime, object));
    if (index < 0) index += size;
    if (index < 0 || index >= size) return {};
    const size_t begin = byte_of(text->text, static_cast<size_t>(index));
    return slice(runtime.budget, *text, begin, begin + code_point_at(text->text, begin).length);
  }
  const Sequence* sequence = object.sequence();
  if (sequence == nullptr || sequence->form > Form::kRange) return {};
  const auto size = static_cast<int64_t>(sequence->items.size());
  if (index < 0) index += size;
  return index < 0 || index >= size ? Value() : sequence->items[static_cast<size_t>(index)];
}

struct Steps {
  int64_t begin, step, count;
};

// Python's slice.indices().
Steps steps_of(const Runtime& runtime, const SliceBounds& bounds, int64_t size) {
  const auto integer = [&](const Value& value) -> std::optional<int64_t> {
    if (value.is<None>()) return std::nullopt;
    return integer_of(runtime, value, "a bound of a slice");
  };
  const int64_t step = integer(bounds.step).value_or(1);
  if (step == 0) runtime.fail("a slice needs a step that is not 0");
  const int64_t low = step < 0 ? -1 : 0;
  const int64_t high = step < 0 ? size - 1 : size;
  const auto clamp = [&](int64_t at) { return std::clamp(at < 0 ? at + size : at, low, high); };
  const std::optional<int64_t> from = integer(bounds.begin);
  const std::optional<int64_t> to = integer(bounds.end);
  const int64_t begin = from ? clamp(*from) : step < 0 ? high : low;
  const int64_t end = to ? clamp(*to) : step < 0 ? low : high;
  if (step < 0 ? end >= begin : begin >= end) return {begin, step, 0};
  // The type is unsigned, because the magnitude of the smallest step does not fit an int64.
  const uint64_t magnitude = step < 0 ? 0 - static_cast<uint64_t>(step) : static_cast<uint64_t>(step);
  const auto span = static_cast<uint64_t>(step < 0 ? begin - end : end - begin);
  return {begin, step, static_cast<int64_t>((span - 1) / magnitude + 1)};
}

Text slice_text(Runtime& runtime, const Text& text, const SliceBounds& bounds) {
  runtime.budget.bytes(text.text.size());
  std::vector<size_t> starts;  // the first byte of each code point, and the end
  for (size_t at = 0; at < text.text.size(); at += code_point_at(text.text, at).length) starts.push_back(at);
  starts.push_back(text.text.size());
  const Steps steps = steps_of(runtime, bounds, static_cast<int64_t>(starts.size()) - 1);
  TextBuilder out(runtime.budget);
  if (steps.step == 1) {
    const auto begin = static_cast<size_t>(steps.begin);
    out.add(text, starts[begin], starts[begin + static_cast<size_t>(steps.count)]);
    return out.take();
  }
  for (int64_t i = 0; i < steps.count; ++i) {
    const auto at = static_cast<size_t>(steps.begin + i * steps.step);
    out.add(text, starts[at], starts[at + 1]);
  }
  return out.take();
}

}  // namespace

const Value* find_key(Runtime& runtime, const Dict& dict, const Value& key) {
  runtime.budget.step();
  if (const Text* text = key.text(); text != nullptr && !dict.text_order.empty()) return find(dict, text->text);
  if (!is_hashable(key)) runtime.fail(fmt::format("{} cannot be a key", type_name(key)));
  for (const auto& [other, value] : dict.items) {
    if (equal(runtime, other, key)) return &value;
  }
  return nullptr;
}

void set_item(Runtime& runtime, std::vector<Dict::Item>& items, const Value& key, const Value& value) {
  runtime.budget.elements(1);
  if (!is_hashable(key)) runtime.fail(fmt::format("{} cannot be a key", type_name(key)));
  for (auto& [name, old] : items) {
    if (!equal(runtime, name, key)) continue;
    old = value;
    return;
  }
  items.emplace_back(key, value);
}

Value attribute(Runtime& runtime, const Value& object, const TextPtr& name) {
  if (object.is_undefined()) refuse_undefined(runtime, name->text);
  if (is_hidden(object, name->text)) return {};
  if (auto value = member(runtime, object, name->text)) return *std::move(value);
  if (const Dict* dict = object.dict()) {
    if (const Value* value = find_key(runtime, *dict, name)) return *value;
  }
  return {};
}

Value item(Runtime& runtime, const Value& object, const Value& index) {
  const Text* name = index.text();
  if (object.is_undefined()) refuse_undefined(runtime, name != nullptr ? name->text : "an element");
  if (const Dict* dict = object.dict()) {
    if (!is_hashable(index)) return {};
    if (const Value* value = find_key(runtime, *dict, index)) return *value;
  }
  if (index.is<int64_t>() || index.is<bool>()) return element(runtime, object, integer_of(runtime, index, "an index"));
  if (name == nullptr || is_hidden(object, name->text)) return {};
  return member(runtime, object, name->text).value_or(Value());
}

Value slice(Runtime& runtime, const Value& object, const SliceBounds& bounds) {
  if (object.is_undefined()) refuse_undefined(runtime, "a slice");
  if (const Text* text = object.text()) {
    Text part = slice_text(runtime, *text, bounds);
    part.is_markup = text->is_markup;
    return part;
  }
  const Sequence* sequence = object.sequence();
  if (sequence == nullptr || sequence->form > Form::kRange) {
    runtime.fail(fmt::format("{} has no slices", type_name(object)));
  }
  const Steps steps = steps_of(runtime, bounds, static_cast<int64_t>(sequence->items.size()));
  runtime.budget.elements(static_cast<uint64_t>(steps.count));
  std::vector<Value> items;
  items.reserve(static_cast<size_t>(steps.count));
  for (int64_t i = 0; i < steps.count; ++i) {
    items.push_back(sequence->items[static_cast<size_t>(steps.begin + i * steps.step)]);
  }
  return make_sequence(sequence->form, std::move(items));
}

Value path(Runtime& runtime, const Value& object, const Value& dotted) {
  if (dotted.text() == nullptr) return item(runtime, object, dotted);
  Value value = object;
  std::string_view rest = dotted.text()->text;
  while (true) {
    const std::string_view part = rest.substr(0, rest.find('.'));
    int64_t number = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), number);
    const bool is_number = error == std::errc() && end == part.data() + part.size() && number >= 0;
    value = item(runtime, value, is_number ? Value(number) : make_text(part));
    if (part.size() == rest.size()) return value;
    rest.remove_prefix(part.size() + 1);
  }
}

}  // namespace moebius::internal::jinja
