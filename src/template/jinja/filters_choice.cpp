// Filters that apply another filter or a test to every element.
#include <fmt/format.h>

#include "base/quote.h"
#include "template/jinja/compare.h"
#include "template/jinja/filters.h"

namespace moebius::internal::jinja {
namespace {

// The arguments behind the first `count`. The filter keeps the first ones for itself.
Arguments rest_of(const Arguments& arguments, size_t count, std::string_view function) {
  return {function,
          {arguments.positional.begin() + static_cast<ptrdiff_t>(count), arguments.positional.end()},
          arguments.named};
}

Value map_attribute(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto [attribute, otherwise] =
      arguments.bind(runtime, std::array<std::string_view, 2>{"attribute", "default"}, 1);
  std::vector<Value> out;
  for (const Value& value : elements_of(runtime, self)) {
    const Value found = path(runtime, value, *attribute);
    const bool is_missing = found.is_undefined() && otherwise != nullptr && !otherwise->is<None>();
    out.push_back(is_missing ? *otherwise : found);
  }
  return make_generator(std::move(out));
}

Value map(Runtime& runtime, const Value& self, const Arguments& arguments) {
  if (!is_true(self)) return make_generator({});
  if (arguments.positional.empty()) return map_attribute(runtime, self, arguments);
  const std::string& name = text_of(runtime, arguments.positional[0], "a filter's name").text;
  const Builtin* filter = find_filter(name);
  if (filter == nullptr) runtime.fail(fmt::format("there is no filter {}", in_quotes(name)));
  const Arguments rest = rest_of(arguments, 1, name);
  std::vector<Value> out;
  for (const Value& value : elements_of(runtime, self)) out.push_back(filter->call(runtime, value, rest));
  return make_generator(std::move(out));
}

enum class Keep { kMatches, kOthers };
enum class Subject { kElement, kAttribute };

template <Subject kSubject, Keep kKeep>
Value choose(Runtime& runtime, const Value& self, const Arguments& arguments) {
  if (!is_true(self)) return make_generator({});
  constexpr size_t kOwn = kSubject == Subject::kAttribute ? 1 : 0;
  if (arguments.positional.size() < kOwn) runtime.fail(fmt::format("{}() needs an attribute", arguments.function));
  const Builtin* test = nullptr;
  Arguments rest;
  if (arguments.positional.size() > kOwn) {
    const std::string& name = text_of(runtime, arguments.positional[kOwn], "a test's name").text;
    test = find_test(name);
    if (test == nullptr) runtime.fail(fmt::format("there is no test {}", in_quotes(name)));
    rest = rest_of(arguments, kOwn + 1, name);
  }
  std::vector<Value> out;
  for (Value& value : elements_of(runtime, self)) {
    const Value subject = kOwn == 1 ? path(runtime, value, arguments.positional[0]) : value;
    const bool matches = is_true(test == nullptr ? subject : test->call(runtime, subject, rest));
    if (matches == (kKeep == Keep::kMatches)) out.push_back(std::move(value));
  }
  return make_generator(std::move(out));
}

Value group(Runtime& runtime, std::vector<Value> members, const Value& key) {
  // Python has a named tuple here. A plain one is enough for its purpose, `for key, members in ...`.
  runtime.budget.elements(2);
  return make_sequence(Form::kTuple, {key, make_sequence(Form::kList, std::move(members))});
}

Value groupby(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto [attribute, otherwise, sensitive] =
      arguments.bind(runtime, std::array<std::string_view, 3>{"attribute", "default", "case_sensitive"}, 1);
  const auto value_of = [&, name = attribute, fallback = otherwise](const Value& value) {
    Value found = path(runtime, value, *name);
    return found.is_undefined() && fallback != nullptr && !fallback->is<None>() ? *fallback : found;
  };
  const KeyOf fold{nullptr, flag_of(sensitive)};
  const std::vector<Value> values = elements_of(runtime, self);
  std::vector<Value> keys;
  for (const Value& value : values) keys.push_back(fold(runtime, value_of(value)));
  std::vector<Value> groups;
  std::vector<Value> members;
  Value key;
  for (const Value& value : sorted(runtime, values, keys, Direction::kUp)) {
    Value next = fold(runtime, value_of(value));
    if (!members.empty() && !equal(runtime, key, next)) {
      const Value name = value_of(members[0]);
      groups.push_back(group(runtime, std::exchange(members, {}), name));
    }
    key = std::move(next);
    members.push_back(value);
  }
  if (!members.empty()) {
    const Value name = value_of(members[0]);
    groups.push_back(group(runtime, std::move(members), name));
  }
  return make_sequence(Form::kList, std::move(groups));
}

constexpr Builtin kFilters[] = {
    {"groupby", groupby},
    {"map", map},
    {"reject", choose<Subject::kElement, Keep::kOthers>},
    {"rejectattr", choose<Subject::kAttribute, Keep::kOthers>},
    {"select", choose<Subject::kElement, Keep::kMatches>},
    {"selectattr", choose<Subject::kAttribute, Keep::kMatches>},
};

}  // namespace

std::span<const Builtin> choice_filters() { return kFilters; }

}  // namespace moebius::internal::jinja
