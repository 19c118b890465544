// What one rendering shares with everything that runs in it: the budget, the clock, the line that errors name, and the
// namespaces. (Namespaces may hold each other, so the rendering owns them.) It also says how builtins receive their
// arguments.
#pragma once

#include <array>
#include <ctime>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "template/jinja/budget.h"
#include "template/jinja/text.h"
#include "template/jinja/value.h"

namespace moebius::internal::jinja {

class Runtime {
 public:
  Runtime(Budget& spent, std::string where, const std::tm& time) : budget(spent), now(time), where_(std::move(where)) {}

  Budget& budget;
  const std::tm now;  // local time, for strftime_now()
  int line = 1;       // line of the template, as the evaluation proceeds

  // Throws kBadTemplate at the current line.
  [[noreturn]] void fail(const std::string& what) const { fail(ErrorCode::kBadTemplate, what); }
  [[noreturn]] void fail(ErrorCode code, const std::string& what) const;

  Namespace* new_namespace() { return namespaces_.emplace_back(std::make_unique<Namespace>()).get(); }

 private:
  std::string where_;
  std::vector<std::unique_ptr<Namespace>> namespaces_;
};

// The arguments of one call. bind() gives each argument its parameter, by position or name.
struct Arguments {
  std::string_view function;  // for messages
  std::vector<Value> positional;
  std::vector<std::pair<TextPtr, Value>> named;  // a name may be a user's: **message

  // Returns nullptr for what the caller left out. Fails when one of the first `required` is left out, or when there are
  // arguments that no parameter takes.
  template <size_t N>
  std::array<const Value*, N> bind(const Runtime& runtime, const std::array<std::string_view, N>& names,
                                   size_t required = 0) const {
    std::array<const Value*, N> bound{};
    bind(runtime, {names.data(), bound.data(), N});
    for (size_t i = 0; i < required; ++i) {
      if (bound[i] == nullptr) refuse_missing(runtime, required);
    }
    return bound;
  }
  void expect_none(const Runtime& runtime) const;

 private:
  struct Parameters {
    const std::string_view* names;
    const Value** bound;
    size_t count;
  };
  void bind(const Runtime& runtime, const Parameters& parameters) const;
  [[noreturn]] void refuse_missing(const Runtime& runtime, size_t required) const;
};

// ---- what builtins ask of a value; they fail in Python's words ----
int64_t integer_of(const Runtime& runtime, const Value& value, std::string_view what);  // int or bool
[[noreturn]] void refuse_big_integer(const Runtime& runtime);
const Text& text_of(const Runtime& runtime, const Value& value, std::string_view what);
const Dict& dict_of(const Runtime& runtime, const Value& value, std::string_view what);
// True unless left out, undefined or false.
inline bool flag_of(const Value* value) { return value != nullptr && is_true(*value); }

// Returns everything that a for loop would see. A generator is used up by it. Fails on what cannot be iterated.
std::vector<Value> elements_of(Runtime& runtime, const Value& value);
bool is_iterable(const Value& value);
size_t length_of(const Runtime& runtime, const Value& value);

bool is_hashable(const Value& value);  // may be a key

// ---- looking into values (access.cpp) ----
// `object.name`: methods come first, then keys. Undefined when there is neither, or when the sandbox hides the name.
Value attribute(Runtime& runtime, const Value& object, const TextPtr& name);
// `object[index]`: elements and keys come first, then methods.
Value item(Runtime& runtime, const Value& object, const Value& index);
struct SliceBounds {
  Value begin, end, step;  // none: from the start, to the end, by one
};
Value slice(Runtime& runtime, const Value& object, const SliceBounds& bounds);
// Returns the value at a key that equals this one, as Python's dict compares keys, or nullptr when absent. Charges
// the budget.
const Value* find_key(Runtime& runtime, const Dict& dict, const Value& key);
// Sets `items[key] = value` in a dictionary under construction. Charges the budget.
void set_item(Runtime& runtime, std::vector<Dict::Item>& items, const Value& key, const Value& value);
// Follows what filters call an attribute: "a.b.0", or a number.
Value path(Runtime& runtime, const Value& object, const Value& dotted);

// ---- tables (filters.cpp, is_tests.cpp, functions.cpp, methods.cpp) ----
const Builtin* find_filter(std::string_view name);
const Builtin* find_test(std::string_view name);
const Builtin* find_function(std::string_view name);
const Builtin* find_method(const Value& object, std::string_view name);

}  // namespace moebius::internal::jinja
