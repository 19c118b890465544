// Runs a parsed template. Scopes are as jinja2 has them: a loop's body, a macro, and a filter, set, call or with block
// have one of their own; an if has not. What is set inside a scope is gone outside, except attributes of namespaces.
// Every node costs a step.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "template/jinja/ast.h"
#include "template/jinja/loop.h"
#include "template/jinja/runtime.h"

namespace moebius::internal::jinja {

struct Scope {
  std::shared_ptr<Scope> parent;  // nullptr: the template's own
  std::vector<std::pair<NameId, Value>> variables;
};

// Gives a place another value for as long as the Switch lives.
template <typename T>
class Switch {
 public:
  Switch(T& place, T value) : place_(place), before_(std::exchange(place, std::move(value))) {}
  ~Switch() { place_ = std::move(before_); }
  Switch(const Switch&) = delete;
  Switch& operator=(const Switch&) = delete;

 private:
  T& place_;
  T before_;
};

class Interpreter {
 public:
  // globals: by NameId. A global is undefined where the caller has nothing.
  Interpreter(Runtime& runtime, const Script& script, std::vector<Value> globals);
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;
  Text run();

  // Chooses, before run(), the global that first_read() tells of.
  void watch(std::optional<NameId> global) { watched_ = global; }
  // The bytes of output when the watched global was first read.
  [[nodiscard]] std::optional<size_t> first_read() const { return first_read_; }

 private:
  enum class Flow { kNext, kBreak, kContinue };

  // ---- statements (interpreter.cpp) ----
  Flow execute(const Body& body);
  Flow run(const Data& node);
  Flow run(const Print& node);
  Flow run(const If& node);
  Flow run(const For& node);
  Flow run(const Set& node);
  Flow run(const SetBlock& node);
  Flow run(const FilterBlock& node);
  Flow run(const With& node);
  Flow run(const std::unique_ptr<const Macro>& node);
  Flow run(const CallBlock& node);
  Flow run(const Generation& node);
  Flow run(LoopControl control);
  Flow iterate(const For& node, const std::shared_ptr<Loop>& loop);
  Flow capture(const Body& body, Value& text);  // in a scope of its own
  void set(NameId name, Value value);           // in the current scope
  void assign(const Target& target, const Value& value);
  void assign(const NamespaceTarget& target, const Value& value);
  std::shared_ptr<Scope> inner_scope();

  // ---- expressions (evaluate.cpp) ----
  Value evaluate(const Expr& expr);
  Value evaluate_or(const ExprPtr& expr, Value otherwise);  // for a part that may be left out
  Value value_of(const Literal& node);
  Value value_of(const Name& node);
  Value value_of(const BlockText& node);
  Value value_of(const Unsupported& node);
  Value value_of(const Attribute& node);
  Value value_of(const Subscript& node);
  Value value_of(const Slice& node);
  Value value_of(const Call& node);
  Value value_of(const BuiltinCall& node);
  Value value_of(const Unary& node);
  Value value_of(const Binary& node);
  Value value_of(const Logic& node);
  Value value_of(const Compare& node);
  Value value_of(const Concat& node);
  Value value_of(const Conditional& node);
  Value value_of(const ListDisplay& node);
  Value value_of(const DictDisplay& node);
  bool compare(Comparison comparison, const Value& a, const Value& b);
  void expect_defined(const Value& value, const Expr& expr);
  [[nodiscard]] std::string describe(const Expr& expr) const;  // for messages: "message.content"

  // ---- calls (call.cpp) ----
  Arguments evaluate_arguments(const CallArguments& arguments, std::string_view function);
  Value call(const Value& callee, Arguments arguments, const Expr& expr);
  Value call_macro(const Callable& callable, Arguments arguments);
  void bind_macro(const Macro& macro, Arguments arguments);
  [[nodiscard]] std::string_view name_of(const Macro& macro) const;

  Runtime& runtime_;
  const Script& script_;
  std::vector<Value> globals_;
  std::shared_ptr<Scope> scope_ = std::make_shared<Scope>();
  TextBuilder output_;  // what run() returns
  TextBuilder* out_;    // output_, or what a macro or a block writes
  std::optional<NameId> watched_;
  std::optional<size_t> first_read_;
  Value block_text_;
  DepthCounter frames_{kMaxFrames};
  DepthCounter calls_{kMaxDepth};
};

}  // namespace moebius::internal::jinja
