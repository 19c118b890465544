// What may stand behind `is`.
#include <algorithm>
#include <compare>

#include "template/jinja/case.h"
#include "template/jinja/compare.h"
#include "template/jinja/operators.h"
#include "template/jinja/repr.h"

namespace moebius::internal::jinja {
namespace {

template <bool (*Holds)(const Value&)>
Value plain(Runtime& runtime, const Value& self, const Arguments& arguments) {
  arguments.expect_none(runtime);
  return Holds(self);
}

bool defined(const Value& value) { return !value.is_undefined(); }
bool undefined(const Value& value) { return value.is_undefined(); }
bool none(const Value& value) { return value.is<None>(); }
bool boolean(const Value& value) { return value.is<bool>(); }
bool is_true_itself(const Value& value) { return value.is<bool>() && is_true(value); }
bool is_false_itself(const Value& value) { return value.is<bool>() && !is_true(value); }
bool integer(const Value& value) { return value.is<int64_t>() || value.is<BigIntegerPtr>(); }
bool real(const Value& value) { return value.is<double>(); }
bool number(const Value& value) { return integer(value) || value.is<double>() || value.is<bool>(); }
bool string(const Value& value) { return value.text() != nullptr; }
bool mapping(const Value& value) { return value.dict() != nullptr; }
bool callable(const Value& value) { return value.callable() != nullptr || value.is_undefined(); }
bool escaped(const Value& value) { return value.text() != nullptr && value.text()->is_markup; }
// Tells what has a length and elements by index. Dictionaries and undefined values count too.
bool sequence(const Value& value) {
  const Sequence* items = value.sequence();
  return value.is_undefined() || value.text() != nullptr || value.dict() != nullptr ||
         (items != nullptr && items->form <= Form::kRange);
}

// value % divisor == rest, whatever % means for the value.
bool has_rest(Runtime& runtime, const Value& value, const Value& divisor, int64_t rest) {
  return equal(runtime, binary(runtime, Operator::kModulo, value, divisor), rest);
}

template <int64_t kRest>
Value parity(Runtime& runtime, const Value& self, const Arguments& arguments) {
  arguments.expect_none(runtime);
  return has_rest(runtime, self, int64_t{2}, kRest);
}

Value divisibleby(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto [divisor] = arguments.bind(runtime, std::array<std::string_view, 1>{"num"}, 1);
  return has_rest(runtime, self, *divisor, 0);
}

template <bool (*Holds)(Budget&, const Text&)>
Value of_text(Runtime& runtime, const Value& self, const Arguments& arguments) {
  arguments.expect_none(runtime);
  return Holds(runtime.budget, *str(runtime, self));
}

const Value& other(const Runtime& runtime, const Arguments& arguments) {
  return *arguments.bind(runtime, std::array<std::string_view, 1>{}, 1)[0];
}

Value equals(Runtime& runtime, const Value& self, const Arguments& arguments) {
  return equal(runtime, self, other(runtime, arguments));
}
Value differs(Runtime& runtime, const Value& self, const Arguments& arguments) {
  return !equal(runtime, self, other(runtime, arguments));
}

template <bool (*Holds)(std::partial_ordering)>
Value ordered(Runtime& runtime, const Value& self, const Arguments& arguments) {
  return Holds(order(runtime, self, other(runtime, arguments)));
}

Value in(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto [container] = arguments.bind(runtime, std::array<std::string_view, 1>{"seq"}, 1);
  return contains(runtime, *container, self);
}

// Identity is sure for true, false and none. Other values count as the same when they are equal and of one type.
Value sameas(Runtime& runtime, const Value& self, const Arguments& arguments) {
  const auto [value] = arguments.bind(runtime, std::array<std::string_view, 1>{"other"}, 1);
  return self.held().index() == value->held().index() && equal(runtime, self, *value);
}

Value iterable(Runtime& runtime, const Value& self, const Arguments& arguments) {
  arguments.expect_none(runtime);
  return is_iterable(self);
}

template <const Builtin* (*Find)(std::string_view)>
Value exists(Runtime& runtime, const Value& self, const Arguments& arguments) {
  arguments.expect_none(runtime);
  return self.text() != nullptr && Find(self.text()->text) != nullptr;
}

constexpr Builtin kTests[] = {
    {"defined", plain<defined>},
    {"undefined", plain<undefined>},
    {"none", plain<none>},
    {"string", plain<string>},
    {"mapping", plain<mapping>},
    {"sequence", plain<sequence>},
    {"iterable", iterable},
    {"boolean", plain<boolean>},
    {"true", plain<is_true_itself>},
    {"false", plain<is_false_itself>},
    {"integer", plain<integer>},
    {"float", plain<real>},
    {"number", plain<number>},
    {"callable", plain<callable>},
    {"escaped", plain<escaped>},
    {"odd", parity<1>},
    {"even", parity<0>},
    {"divisibleby", divisibleby},
    {"lower", of_text<is_lower>},
    {"upper", of_text<is_upper>},
    {"in", in},
    {"sameas", sameas},
    {"filter", exists<find_filter>},
    {"test", exists<find_test>},
    {"==", equals},
    {"eq", equals},
    {"equalto", equals},
    {"!=", differs},
    {"ne", differs},
    {"<", ordered<std::is_lt>},
    {"lt", ordered<std::is_lt>},
    {"lessthan", ordered<std::is_lt>},
    {"<=", ordered<std::is_lteq>},
    {"le", ordered<std::is_lteq>},
    {">", ordered<std::is_gt>},
    {"gt", ordered<std::is_gt>},
    {"greaterthan", ordered<std::is_gt>},
    {">=", ordered<std::is_gteq>},
    {"ge", ordered<std::is_gteq>},
};

}  // namespace

const Builtin* find_test(std::string_view name) {
  const auto* found =
      std::find_if(std::begin(kTests), std::end(kTests), [&](const Builtin& test) { return test.name == name; });
  return found == std::end(kTests) ? nullptr : found;
}

}  // namespace moebius::internal::jinja
