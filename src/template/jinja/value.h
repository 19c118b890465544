// What an expression of a template evaluates to. Values are immutable and shared, so copying one is cheap whatever it
// holds. Only namespaces and generators can change. Dictionaries keep the order of insertion, as Python's do. Text
// carries marks for what a user wrote (base/marked_text.h). The operations are in compare.h, operators.h, text.h and
// repr.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/json.h"
#include "base/marked_text.h"
#include "template/jinja/budget.h"

namespace moebius::internal::jinja {

struct Text : MarkedText {
  bool is_markup = false;  // the safe filter makes it; plain text that is added to it is escaped (markup.h)
};

// An integer of more than 64 bits, which only a conversation brings. It is printed, compared and told from text, but
// not computed with.
struct BigInteger {
  std::string digits;  // as Python prints it
};

struct Sequence;
struct Dict;
struct Generator;
struct Namespace;
struct Callable;
struct Macro;
struct Scope;
class Loop;
class Runtime;
struct Arguments;

struct Undefined {};
struct None {};

using TextPtr = std::shared_ptr<const Text>;
using BigIntegerPtr = std::shared_ptr<const BigInteger>;
using SequencePtr = std::shared_ptr<const Sequence>;
using DictPtr = std::shared_ptr<const Dict>;
using CallablePtr = std::shared_ptr<const Callable>;

// The rendering owns namespaces, and a for statement owns its loop: owned values could hold each other in a ring.
using Variant = std::variant<Undefined, None, bool, int64_t, BigIntegerPtr, double, TextPtr, SequencePtr, DictPtr,
                             std::shared_ptr<Generator>, CallablePtr, Namespace*, std::weak_ptr<Loop>>;

class Value {
 public:
  Value() = default;  // undefined
  Value(None none) : held_(none) {}
  Value(bool value) : held_(value) {}
  Value(int64_t value) : held_(value) {}
  Value(BigInteger value) : held_(std::make_shared<const BigInteger>(std::move(value))) {}
  Value(BigIntegerPtr value) : held_(std::move(value)) {}
  Value(double value) : held_(value) {}
  Value(Text text) : held_(std::make_shared<const Text>(std::move(text))) {}
  Value(TextPtr text) : held_(std::move(text)) {}
  Value(SequencePtr sequence) : held_(std::move(sequence)) {}
  Value(DictPtr dict) : held_(std::move(dict)) {}
  Value(std::shared_ptr<Generator> generator) : held_(std::move(generator)) {}
  Value(CallablePtr callable) : held_(std::move(callable)) {}
  Value(Namespace* space) : held_(space) {}
  Value(std::weak_ptr<Loop> loop) : held_(std::move(loop)) {}
  template <typename T>
  Value(T*) = delete;  // no pointer is a boolean

  template <typename T>
  [[nodiscard]] const T* get() const {
    return std::get_if<T>(&held_);
  }
  template <typename T>
  [[nodiscard]] bool is() const {
    return std::holds_alternative<T>(held_);
  }
  [[nodiscard]] bool is_undefined() const { return is<Undefined>(); }
  [[nodiscard]] const BigInteger* big_integer() const { return shared<BigIntegerPtr>(); }
  [[nodiscard]] const Text* text() const { return shared<TextPtr>(); }
  [[nodiscard]] const Sequence* sequence() const { return shared<SequencePtr>(); }
  [[nodiscard]] const Dict* dict() const { return shared<DictPtr>(); }
  [[nodiscard]] const Callable* callable() const { return shared<CallablePtr>(); }
  [[nodiscard]] const Variant& held() const { return held_; }

 private:
  template <typename Pointer>
  [[nodiscard]] auto shared() const -> decltype(std::declval<const Pointer&>().get()) {
    const Pointer* pointer = std::get_if<Pointer>(&held_);
    return pointer == nullptr ? nullptr : pointer->get();
  }

  Variant held_;
};

// Everything of Python that has an order and a length.
enum class Form { kList, kTuple, kRange, kKeys, kValues, kItems };

struct Sequence {
  Form form = Form::kList;
  std::vector<Value> items;
  int depth = 1;  // levels of nesting, so that printing, comparing and destroying never recurse further
};

struct Dict {
  using Item = std::pair<Value, Value>;
  std::vector<Item> items;           // keys differ from each other
  std::vector<uint32_t> text_order;  // positions of items by key, when every key is text and there are many
  int depth = 1;
};

// What Python makes of map(), select(), reversed(). It is iterated once, has no length, and is always true.
struct Generator {
  SequencePtr source;
  size_t next = 0;
};

struct Namespace {
  std::vector<std::pair<std::string, Value>> attributes;
};

// Filters, tests, methods and global functions. self is the input, or undefined for a global function.
using Native = Value (*)(Runtime& runtime, const Value& self, const Arguments& arguments);

struct Builtin {
  std::string_view name;
  Native call;
};

// A builtin bound to its object, or a macro bound to the scope that it was defined in.
struct Callable {
  const Builtin* builtin = nullptr;
  Value self;
  const Macro* macro = nullptr;
  std::weak_ptr<Scope> scope;  // the scope owns the macro's value
};

// Throws kTemplateLimit when the result would nest deeper than kMaxDepth.
Value make_sequence(Form form, std::vector<Value> items);
Value make_dict(std::vector<Dict::Item> items);
Value make_generator(std::vector<Value> items);
Value make_text(std::string_view text);  // the template's own words

// Returns the value at a text key, or nullptr when it is absent.
const Value* find(const Dict& dict, std::string_view key);

enum class Origin { kUser, kTemplate };

// Strings and keys of a conversation are a user's words. Those of special tokens and options are not.
Value from_json(const Json& json, Origin origin);

std::string_view type_name(const Value& value);  // as Python calls it: "str", "dict", "NoneType"
bool is_true(const Value& value);                // Python's bool()

}  // namespace moebius::internal::jinja
