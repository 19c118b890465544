// Equality, order and membership as Python has them. Marks of users do not count. All functions charge the budget
// by element and byte.
#pragma once

#include <compare>

#include "template/jinja/runtime.h"

namespace moebius::internal::jinja {

bool equal(Runtime& runtime, const Value& a, const Value& b);

// Fails where Python's `<` does. The result is unordered for NaN.
std::partial_ordering order(Runtime& runtime, const Value& a, const Value& b);

// `value in container`
bool contains(Runtime& runtime, const Value& container, const Value& value);

}  // namespace moebius::internal::jinja
