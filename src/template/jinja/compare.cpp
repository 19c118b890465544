// Python's ==, < and in.
#include "template/jinja/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "template/jinja/numbers.h"

namespace moebius::internal::jinja {
namespace {

// Holds every int64 and every double exactly.
using Exact = long double;

std::optional<Exact> number_of(const Value& value) {
  if (const auto* boolean = value.get<bool>()) return static_cast<Exact>(*boolean);
  if (const auto* integer = value.get<int64_t>()) return static_cast<Exact>(*integer);
  if (const auto* real = value.get<double>()) return static_cast<Exact>(*real);
  return std::nullopt;
}

// The digits of a number whose fraction does not matter: a big integer is larger than any float that has one.
std::string whole_digits(const Value& number) {
  if (const BigInteger* big = number.big_integer()) return big->digits;
  const auto* real = number.get<double>();
  return real != nullptr ? digits_of(*real) : std::to_string(static_cast<int64_t>(*number_of(number)));
}

// Both are numbers, and one of them is a big integer.
std::partial_ordering order_by_digits(const Value& a, const Value& b) {
  const auto is_infinite_or_nan = [](const Value& value) {
    const auto* real = value.get<double>();
    return real != nullptr && !std::isfinite(*real);
  };
  // To these, a big integer is as good as zero.
  if (is_infinite_or_nan(a) || is_infinite_or_nan(b)) return number_of(a).value_or(0) <=> number_of(b).value_or(0);
  return compare_integers(whole_digits(a), whole_digits(b));
}

// Returns nothing when the values are not two numbers.
std::optional<std::partial_ordering> order_numbers(const Value& a, const Value& b) {
  const auto x = number_of(a);
  const auto y = number_of(b);
  if (x && y) return *x <=> *y;
  const bool are_numbers = (x || a.big_integer() != nullptr) && (y || b.big_integer() != nullptr);
  return are_numbers ? std::optional(order_by_digits(a, b)) : std::nullopt;
}

bool equal_items(Runtime& runtime, const Sequence& a, const Sequence& b) {
  if (a.form != b.form || a.items.size() != b.items.size()) return false;
  const auto same = [&](const Value& x, const Value& y) { return equal(runtime, x, y); };
  return std::equal(a.items.begin(), a.items.end(), b.items.begin(), same);
}

bool equal_dicts(Runtime& runtime, const Dict& a, const Dict& b) {
  if (a.items.size() != b.items.size()) return false;
  return std::all_of(a.items.begin(), a.items.end(), [&](const Dict::Item& item) {
    const Value* other = find_key(runtime, b, item.first);
    return other != nullptr && equal(runtime, item.second, *other);
  });
}

struct SameObject {
  const Value& b;
  template <typename T>
  bool operator()(const T& a) const {
    if constexpr (std::is_same_v<T, std::weak_ptr<Loop>>) {
      const auto* other = b.get<T>();
      return other != nullptr && a.lock() == other->lock();
    } else if constexpr (std::is_same_v<T, Undefined> || std::is_same_v<T, None>) {
      return b.is<T>();
    } else {
      const T* other = b.get<T>();
      return other != nullptr && a == *other;
    }
  }
};

std::partial_ordering order_items(Runtime& runtime, const Sequence& a, const Sequence& b) {
  const size_t shared = std::min(a.items.size(), b.items.size());
  for (size_t i = 0; i < shared; ++i) {
    if (!equal(runtime, a.items[i], b.items[i])) return order(runtime, a.items[i], b.items[i]);
  }
  return a.items.size() <=> b.items.size();
}

bool is_ordered(const Sequence& sequence) { return sequence.form == Form::kList || sequence.form == Form::kTuple; }

}  // namespace

bool equal(Runtime& runtime, const Value& a, const Value& b) {
  runtime.budget.step();
  if (const auto numbers = order_numbers(a, b)) return *numbers == 0;
  if (a.text() != nullptr && b.text() != nullptr) {
    runtime.budget.bytes(std::min(a.text()->text.size(), b.text()->text.size()));
    return a.text()->text == b.text()->text;
  }
  if (std::visit(SameObject{b}, a.held())) return true;
  if (a.sequence() != nullptr && b.sequence() != nullptr) return equal_items(runtime, *a.sequence(), *b.sequence());
  if (a.dict() != nullptr && b.dict() != nullptr) return equal_dicts(runtime, *a.dict(), *b.dict());
  return false;
}

std::partial_ordering order(Runtime& runtime, const Value& a, const Value& b) {
  runtime.budget.step();
  if (const auto numbers = order_numbers(a, b)) return *numbers;
  if (a.text() != nullptr && b.text() != nullptr) {
    runtime.budget.bytes(std::min(a.text()->text.size(), b.text()->text.size()));
    return a.text()->text.compare(b.text()->text) <=> 0;  // the order of UTF-8 is the order of code points
  }
  const Sequence* left = a.sequence();
  const Sequence* right = b.sequence();
  if (left != nullptr && right != nullptr && left->form == right->form && is_ordered(*left)) {
    return order_items(runtime, *left, *right);
  }
  runtime.fail(fmt::format("{} and {} have no order", type_name(a), type_name(b)));
}

bool contains(Runtime& runtime, const Value& container, const Value& value) {
  if (const Text* text = container.text()) {
    const Text& part = text_of(runtime, value, "what is looked for in a string");
    return find(runtime.budget, text->text, part.text, 0) != kNotFound;
  }
  if (const Dict* dict = container.dict()) return find_key(runtime, *dict, value) != nullptr;
  if (const Sequence* sequence = container.sequence()) {
    return std::any_of(sequence->items.begin(), sequence->items.end(),
                       [&](const Value& item) { return equal(runtime, item, value); });
  }
  if (const auto* generator = container.get<std::shared_ptr<Generator>>()) {
    const std::vector<Value>& items = (*generator)->source->items;
    while ((*generator)->next < items.size()) {
      if (equal(runtime, items[(*generator)->next++], value)) return true;
    }
    return false;
  }
  if (container.is_undefined()) return false;
  runtime.fail(fmt::format("cannot look for something in {}", type_name(container)));
}

}  // namespace moebius::internal::jinja
