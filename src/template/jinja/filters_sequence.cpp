// Filters on sequences as a whole: their ends, their order, their sum.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "template/jinja/case.h"
#include "template/jinja/compare.h"
#include "template/jinja/filters.h"
#include "template/jinja/operators.h"
#include "template/jinja/repr.h"

namespace moebius::internal::jinja {

Value KeyOf::operator()(Runtime& runtime, const Value& value) const {
  Value key = attribute == nullptr || attribute->is<None>() ? value : path(runtime, value, *attribute);
  if (!is_case_sensitive && key.text() != nullptr) return lower(runtime.budget, *key.text());
  return key;
}

std::vector<Value> sorted(Runtime& runtime, const std::vector<Value>& values, const std::vector<Value>& keys,
                          Direction direction) {
  runtime.budget.elements(values.size());
  std::vector<size_t> places(values.size());
  std::iota(places.begin(), places.end(), size_t{0});
  // This is a merge sort. It stays inside its array whatever the keys answer, even with a NaN among them.
  std::stable_sort(places.begin(), places.end(), [&](size_t a, size_t b) {
    return direction == Direction::kDown ? order(runtime, keys[b], keys[a]) < 0 : order(runtime, keys[a], keys[b]) < 0;
  });
  std::vector<Value> out;
  out.reserve(values.size());
  for (const size_t place : places) out.push_back(values[place]);
  return out;
}

namespace {

Direction direction_of(const Value* reverse) { return flag_of(reverse) ? Direction::kDown : Direction::kUp; }

bool is_given(const Value* value) { return value != nullptr && !value->is<None>(); }

std::vector<Value> keys_of(Runtime& runtime, const std::vector<Value>& values, const KeyOf& key_of) {
  std::vector<Value> keys;
  keys.reserve(values.size());
  for (const Value& value : values) keys.push_back(key_of(runtime, value));
  return keys;
}

Value length(Runtime& runtime, const Value& self, const Arguments& arguments) {
  arguments.expect_none(runtime);
  return static_cast<int64_t>(length_of(runtime, self));
}

Value list(Runtime& runtime, const Value& self, const Arguments& arguments) {
  arguments.expect_none(runtime);
  return make_sequence(Form::kList, elements_of(runtime, self));
}

Value first(Runtime& runtime, const Value& self, const Arguments& arguments) {
  arguments.expect_none(runtime);
  const std::vector<Value> values = elements_of(runtime, self);
  return values.empty() ? Value() : values.front();
}

Value last(Runtime& runtime, const Value& self, const Arguments& arguments) {
  arguments.expect_none(runtime);
  if (self.is<std::shared_ptr<Generator>>()) runtime.fail("a generator has no last: add |list");
  const std::vector<Value> values = elements_of(runtime, self);
  return values.empty() ? Value() : values.back();
}

Value reversed(Runtime& runtime, const Value& self, const Arguments& arguments) {
  arguments.expect_none(runtime);
  if (self.text() != nullptr) return slice(runtime, self, {None{}, None{}, int64_t{-1}});
  std::vector<Value> values = elements_of(runtime, self);
  std::reverse(values.begin(), values.end());
  if (self.is<std::shared_ptr<Generator>>()) return make_sequence(Form::kList, std::move(values));
  return make_generator(std::move(values));
}

Value join(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto [separator, attribute] = arguments.bind(runtime, std::array<std::string_view, 2>{"d", "attribute"});
  const TextPtr between = separator == nullptr ? std::make_shared<const Text>() : str(runtime, *separator);
  TextBuilder out(runtime.budget);
  bool is_first = true;
  for (const Value& value : elements_of(runtime, self)) {
    if (!is_first) out.add(*between);
    is_first = false;
    add_str(runtime, out, is_given(attribute) ? path(runtime, value, *attribute) : value);
  }
  return out.take();
}

// "a,b" sorts by a, then by b.
std::vector<Value> attributes_of(Runtime& runtime, const Value* attribute) {
  if (!is_given(attribute)) return {None{}};
  if (attribute->text() == nullptr) return {*attribute};
  std::vector<Value> names;
  std::string_view rest = attribute->text()->text;
  while (true) {
    const size_t comma = std::min(rest.find(','), rest.size());
    runtime.budget.elements(1);
    names.push_back(make_text(rest.substr(0, comma)));
    if (comma == rest.size()) return names;
    rest.remove_prefix(comma + 1);
  }
}

Value sort(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto [reverse, sensitive, attribute] =
      arguments.bind(runtime, std::array<std::string_view, 3>{"reverse", "case_sensitive", "attribute"});
  const std::vector<Value> values = elements_of(runtime, self);
  const std::vector<Value> names = attributes_of(runtime, attribute);
  std::vector<Value> keys;
  for (const Value& value : values) {
    std::vector<Value> parts;
    for (const Value& name : names) parts.push_back(KeyOf{&name, flag_of(sensitive)}(runtime, value));
    runtime.budget.elements(parts.size());
    keys.push_back(make_sequence(Form::kList, std::move(parts)));
  }
  return make_sequence(Form::kList, sorted(runtime, values, keys, direction_of(reverse)));
}

Value unique(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto [sensitive, attribute] =
      arguments.bind(runtime, std::array<std::string_view, 2>{"case_sensitive", "attribute"});
  const KeyOf key_of{attribute, flag_of(sensitive)};
  std::vector<Value> seen;
  std::vector<Value> out;
  for (Value& value : elements_of(runtime, self)) {
    Value key = key_of(runtime, value);
    if (!is_hashable(key)) runtime.fail(fmt::format("{} cannot be told apart by unique()", type_name(key)));
    const auto same = [&](const Value& other) { return equal(runtime, other, key); };
    if (std::any_of(seen.begin(), seen.end(), same)) continue;
    seen.push_back(std::move(key));
    out.push_back(std::move(value));
  }
  return make_generator(std::move(out));
}

enum class End { kMin, kMax };

template <End kEnd>
Value extreme(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto [sensitive, attribute] =
      arguments.bind(runtime, std::array<std::string_view, 2>{"case_sensitive", "attribute"});
  const std::vector<Value> values = elements_of(runtime, self);
  const std::vector<Value> keys = keys_of(runtime, values, {attribute, flag_of(sensitive)});
  if (values.empty()) return {};
  size_t best = 0;
  for (size_t i = 1; i < values.size(); ++i) {
    const bool is_better =
        kEnd == End::kMin ? order(runtime, keys[i], keys[best]) < 0 : order(runtime, keys[i], keys[best]) > 0;
    if (is_better) best = i;
  }
  return values[best];
}

Value sum(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto [attribute, start] = arguments.bind(runtime, std::array<std::string_view, 2>{"attribute", "start"});
  Value total = start == nullptr ? Value(int64_t{0}) : *start;
  if (total.text() != nullptr) runtime.fail("sum() does not add strings: use join()");
  for (const Value& value : elements_of(runtime, self)) {
    total = binary(runtime, Operator::kAdd, total, is_given(attribute) ? path(runtime, value, *attribute) : value);
  }
  return total;
}

Value items(Runtime& runtime, const Value& self, const Arguments& arguments) {
  arguments.expect_none(runtime);
  std::vector<Value> pairs;
  if (!self.is_undefined()) {
    const Dict& dict = dict_of(runtime, self, "what items takes");
    runtime.budget.elements(2 * dict.items.size());
    for (const auto& [key, value] : dict.items) pairs.push_back(make_sequence(Form::kTuple, {key, value}));
  }
  return make_generator(std::move(pairs));
}

Value dictsort(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto [sensitive, by, reverse] =
      arguments.bind(runtime, std::array<std::string_view, 3>{"case_sensitive", "by", "reverse"});
  const Dict& dict = dict_of(runtime, self, "what dictsort takes");
  const std::string wanted = by == nullptr ? "key" : text_of(runtime, *by, "what to sort by").text;
  if (wanted != "key" && wanted != "value") runtime.fail("dictsort() sorts by key or by value");
  const KeyOf key_of{nullptr, flag_of(sensitive)};
  runtime.budget.elements(2 * dict.items.size());
  std::vector<Value> pairs;
  std::vector<Value> keys;
  for (const auto& [key, value] : dict.items) {
    pairs.push_back(make_sequence(Form::kTuple, {key, value}));
    keys.push_back(key_of(runtime, wanted == "key" ? key : value));
  }
  return make_sequence(Form::kList, sorted(runtime, pairs, keys, direction_of(reverse)));
}

Value batch(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto [count, fill] = arguments.bind(runtime, std::array<std::string_view, 2>{"linecount", "fill_with"}, 1);
  const int64_t size = integer_of(runtime, *count, "a count");
  if (size < 1 || size > kMaxCount) runtime.fail(fmt::format("batch() takes a count from 1 to {}", kMaxCount));
  std::vector<Value> out;
  std::vector<Value> row;
  for (Value& value : elements_of(runtime, self)) {
    if (static_cast<int64_t>(row.size()) == size) out.push_back(make_sequence(Form::kList, std::exchange(row, {})));
    row.push_back(std::move(value));
  }
  if (!row.empty()) {
    if (is_given(fill)) {
      runtime.budget.elements(static_cast<uint64_t>(size));
      row.resize(static_cast<size_t>(size), *fill);
    }
    out.push_back(make_sequence(Form::kList, std::move(row)));
  }
  return make_generator(std::move(out));
}

Value otherwise(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto [value, boolean] = arguments.bind(runtime, std::array<std::string_view, 2>{"default_value", "boolean"});
  if (!self.is_undefined() && !(flag_of(boolean) && !is_true(self))) return self;
  return value == nullptr ? make_text("") : *value;
}

constexpr Builtin kFilters[] = {
    {"batch", batch},
    {"count", length},
    {"d", otherwise},
    {"default", otherwise},
    {"dictsort", dictsort},
    {"first", first},
    {"items", items},
    {"join", join},
    {"last", last},
    {"length", length},
    {"list", list},
    {"max", extreme<End::kMax>},
    {"min", extreme<End::kMin>},
    {"reverse", reversed},
    {"sort", sort},
    {"sum", sum},
    {"unique", unique},
};

}  // namespace

std::span<const Builtin> sequence_filters() { return kFilters; }

}  // namespace moebius::internal::jinja
