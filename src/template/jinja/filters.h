// The filters by subject. Each file has its own table. A filter gets the value before the bar as self.
#pragma once

#include <span>

#include "template/jinja/runtime.h"

namespace moebius::internal::jinja {

std::span<const Builtin> text_filters();      // upper, trim, replace, indent, tojson, ...
std::span<const Builtin> number_filters();    // int, float, round, abs
std::span<const Builtin> sequence_filters();  // first, last, join, sort, unique, sum, ...
std::span<const Builtin> choice_filters();    // map, select, reject, selectattr, rejectattr, groupby

// How sort, unique, min and so on look at a value: at an attribute, and without case.
struct KeyOf {
  const Value* attribute = nullptr;  // nullptr or none: the value itself
  bool is_case_sensitive = false;

  Value operator()(Runtime& runtime, const Value& value) const;
};

enum class Direction : uint8_t { kUp, kDown };

// Sorts by keys, stably. Fails where two keys have no order. Charges the budget.
std::vector<Value> sorted(Runtime& runtime, const std::vector<Value>& values, const std::vector<Value>& keys,
                          Direction direction);

}  // namespace moebius::internal::jinja
