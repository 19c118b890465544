// A parsed template. Names are numbers, and filters and tests are pointers into their tables, so a rendering looks
// nothing up by text but keys. The tree is never deeper than kMaxDepth (make_expr sees to it), so evaluating and
// destroying it cannot run out of stack.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "template/jinja/operators.h"
#include "template/jinja/value.h"

namespace moebius::internal::jinja {

struct Expr;
using ExprPtr = std::unique_ptr<const Expr>;
using NameId = int;  // index of Script::names

// Names that the engine itself defines.
enum : NameId { kLoopName, kCallerName, kVarargsName, kKwargsName };
constexpr std::string_view kOwnNames[] = {"loop", "caller", "varargs", "kwargs"};

// ---- expressions ----
struct Literal {
  Value value;
};
struct Name {
  NameId id;
};
struct BlockText {};  // what a filter block, or a set block with filters, rendered
struct Unsupported {  // an unknown filter or test that a rendering need not reach
  std::string what;
};
struct Attribute {
  ExprPtr object;
  TextPtr name;
};
struct Subscript {
  ExprPtr object, index;
};
struct Slice {
  ExprPtr object, begin, end, step;  // nullptr: left out
};
struct CallArguments {
  std::vector<ExprPtr> positional;
  std::vector<std::pair<TextPtr, ExprPtr>> named;
  ExprPtr spread, spread_named;  // *args, **kwargs; nullptr: none
};
struct Call {
  ExprPtr callee;
  CallArguments arguments;
};
struct BuiltinCall {  // input|filter(...), input is test(...)
  ExprPtr input;
  const Builtin* builtin;
  CallArguments arguments;
};
enum class Sign { kNot, kMinus, kPlus };
struct Unary {
  Sign sign;
  ExprPtr operand;
};
struct Binary {
  Operator op;
  ExprPtr left, right;
};
enum class Junction { kAnd, kOr };
struct Logic {
  Junction junction;
  std::vector<ExprPtr> operands;
};
enum class Comparison { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual, kIn, kNotIn };
struct Compare {
  ExprPtr first;
  std::vector<std::pair<Comparison, ExprPtr>> rest;  // a < b < c
};
struct Concat {
  std::vector<ExprPtr> parts;  // a ~ b ~ c
};
struct Conditional {
  ExprPtr test, then, otherwise;  // otherwise nullptr: undefined
};
struct ListDisplay {
  Form form;
  std::vector<ExprPtr> items;
};
struct DictDisplay {
  std::vector<std::pair<ExprPtr, ExprPtr>> items;
};

struct Expr {
  using Node = std::variant<Literal, Name, BlockText, Unsupported, Attribute, Subscript, Slice, Call, BuiltinCall,
                            Unary, Binary, Logic, Compare, Concat, Conditional, ListDisplay, DictDisplay>;
  Node node;
  int line;
  int depth;  // levels of this tree
};

// Throws kTemplateLimit above kMaxDepth levels.
ExprPtr make_expr(int line, Expr::Node node);

// ---- statements ----
struct Statement;
using Body = std::vector<Statement>;

struct Target;
struct NamespaceTarget {
  NameId space;
  std::string attribute;
};
struct Target {  // what an assignment writes to
  std::variant<NameId, NamespaceTarget, std::vector<Target>> to;
};

struct Data {
  TextPtr text;
};
struct Print {
  ExprPtr value;
};
struct If {
  std::vector<std::pair<ExprPtr, Body>> branches;
  Body otherwise;
};
struct For {
  Target target;
  ExprPtr source;
  ExprPtr condition;  // nullptr: every element
  Body body, otherwise;
};
struct Set {
  Target target;
  ExprPtr value;
};
struct SetBlock {
  Target target;
  ExprPtr value;  // an expression over BlockText
  Body body;
};
struct FilterBlock {
  ExprPtr value;
  Body body;
};
struct With {
  std::vector<std::pair<Target, ExprPtr>> values;
  Body body;
};
struct Macro {
  struct Parameter {
    NameId name;
    ExprPtr otherwise;  // nullptr: undefined
  };
  NameId name = -1;  // -1: the body of a call block
  std::vector<Parameter> parameters;
  Body body;
  bool takes_varargs = false, takes_kwargs = false, takes_caller = false;  // the body mentions them
};
struct CallBlock {
  ExprPtr call;
  Macro caller;
};
struct Generation {  // {% generation %}: for training, transparent here
  Body body;
};
enum class LoopControl { kBreak, kContinue };

struct Statement {
  std::variant<Data, Print, If, For, Set, SetBlock, FilterBlock, With, std::unique_ptr<const Macro>, CallBlock,
               Generation, LoopControl>
      node;
  int line;
};

struct Script {
  std::vector<std::string> names;
  Body body;
};

}  // namespace moebius::internal::jinja
