// The methods of dict, list, tuple and loop, and which object has which. Methods that change their object are left out,
// because the sandbox of chat templates hides them.
#include <fmt/format.h>

#include <algorithm>

#include "template/jinja/compare.h"
#include "template/jinja/loop.h"
#include "template/jinja/methods_text.h"

namespace moebius::internal::jinja {
namespace {

Value copy(Runtime& runtime, const Value& self, const Arguments& arguments) {
  arguments.expect_none(runtime);
  return self;  // sharing is safe: nobody can change the copy or the original
}

template <Form kForm>
Value view(Runtime& runtime, const Value& self, const Arguments& arguments) {
  arguments.expect_none(runtime);
  const Dict& dict = *self.dict();
  runtime.budget.elements(dict.items.size());
  std::vector<Value> items;
  items.reserve(dict.items.size());
  for (const auto& [key, value] : dict.items) {
    items.push_back(kForm == Form::kKeys     ? key
                    : kForm == Form::kValues ? value
                                             : make_sequence(Form::kTuple, {key, value}));
  }
  return make_sequence(kForm, std::move(items));
}

Value get(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto [key, otherwise] = arguments.bind(runtime, std::array<std::string_view, 2>{}, 1);
  if (const Value* value = find_key(runtime, *self.dict(), *key)) return *value;
  return otherwise == nullptr ? Value(None{}) : *otherwise;
}

Value index(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto [wanted] = arguments.bind(runtime, std::array<std::string_view, 1>{}, 1);
  const std::vector<Value>& items = self.sequence()->items;
  for (size_t i = 0; i < items.size(); ++i) {
    if (equal(runtime, items[i], *wanted)) return static_cast<int64_t>(i);
  }
  runtime.fail("the element is not in the list");
}

Value count(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto [wanted] = arguments.bind(runtime, std::array<std::string_view, 1>{}, 1);
  const std::vector<Value>& items = self.sequence()->items;
  return static_cast<int64_t>(std::count_if(
      items.begin(), items.end(), [&, value = wanted](const Value& item) { return equal(runtime, item, *value); }));
}

std::shared_ptr<Loop> loop_of(const Runtime& runtime, const Value& self) {
  std::shared_ptr<Loop> loop = self.get<std::weak_ptr<Loop>>()->lock();
  if (loop == nullptr) runtime.fail("this loop is over");
  return loop;
}

Value cycle(Runtime& runtime, const Value& self, const Arguments& arguments) {
  return loop_of(runtime, self)->cycle(runtime, arguments.positional);
}

Value changed(Runtime& runtime, const Value& self, const Arguments& arguments) {
  return loop_of(runtime, self)->changed(runtime, arguments.positional);
}

constexpr Builtin kDictMethods[] = {
    {"copy", copy},
    {"get", get},
    {"items", view<Form::kItems>},
    {"keys", view<Form::kKeys>},
    {"values", view<Form::kValues>},
};
constexpr Builtin kListMethods[] = {{"count", count}, {"index", index}, {"copy", copy}};
constexpr Builtin kLoopMethods[] = {{"cycle", cycle}, {"changed", changed}};

template <size_t N>
const Builtin* find_in(const Builtin (&table)[N], std::string_view name) {
  const auto* found = std::find_if(table, table + N, [&](const Builtin& entry) { return entry.name == name; });
  return found == table + N ? nullptr : found;
}

}  // namespace

const Builtin* find_method(const Value& object, std::string_view name) {
  if (object.text() != nullptr) return find_text_method(name);
  if (object.dict() != nullptr) return find_in(kDictMethods, name);
  if (object.is<std::weak_ptr<Loop>>()) return find_in(kLoopMethods, name);
  const Sequence* sequence = object.sequence();
  if (sequence == nullptr || sequence->form > Form::kRange) return nullptr;
  const Builtin* method = find_in(kListMethods, name);
  return method != nullptr && method->name == "copy" && sequence->form != Form::kList ? nullptr : method;
}

}  // namespace moebius::internal::jinja
