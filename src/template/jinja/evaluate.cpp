// Evaluates expressions.
#include <fmt/format.h>

#include "base/quote.h"
#include "template/jinja/compare.h"
#include "template/jinja/interpreter.h"
#include "template/jinja/repr.h"

namespace moebius::internal::jinja {

Value Interpreter::evaluate(const Expr& expr) {
  const DepthCounter::Level level(frames_);
  runtime_.budget.step();
  runtime_.line = expr.line;
  return std::visit([this](const auto& node) { return value_of(node); }, expr.node);
}

Value Interpreter::evaluate_or(const ExprPtr& expr, Value otherwise) {
  return expr == nullptr ? std::move(otherwise) : evaluate(*expr);
}

std::string Interpreter::describe(const Expr& expr) const {
  if (const auto* name = std::get_if<Name>(&expr.node)) return in_quotes(script_.names[name->id]);
  if (const auto* attribute = std::get_if<Attribute>(&expr.node)) return in_quotes("." + attribute->name->text);
  return "a value";
}

void Interpreter::expect_defined(const Value& value, const Expr& expr) {
  if (!value.is_undefined()) return;
  runtime_.line = expr.line;
  runtime_.fail(fmt::format("{} is undefined", describe(expr)));
}

Value Interpreter::value_of(const Literal& node) { return node.value; }

Value Interpreter::value_of(const Name& node) {
  for (const Scope* scope = scope_.get(); scope != nullptr; scope = scope->parent.get()) {
    runtime_.budget.step(1 + scope->variables.size() / 8);
    for (const auto& [id, value] : scope->variables) {
      if (id == node.id) return value;
    }
  }
  if (node.id == watched_ && !first_read_) first_read_ = output_.size();
  return globals_[static_cast<size_t>(node.id)];
}

Value Interpreter::value_of(const BlockText&) { return std::exchange(block_text_, {}); }

Value Interpreter::value_of(const Unsupported& node) { runtime_.fail(node.what); }

Value Interpreter::value_of(const Attribute& node) {
  const Value object = evaluate(*node.object);
  expect_defined(object, *node.object);
  return attribute(runtime_, object, node.name);
}

Value Interpreter::value_of(const Subscript& node) {
  const Value object = evaluate(*node.object);
  const Value index = evaluate(*node.index);
  expect_defined(object, *node.object);
  return item(runtime_, object, index);
}

Value Interpreter::value_of(const Slice& node) {
  const Value object = evaluate(*node.object);
  const SliceBounds bounds{evaluate_or(node.begin, None{}), evaluate_or(node.end, None{}),
                           evaluate_or(node.step, None{})};
  expect_defined(object, *node.object);
  return slice(runtime_, object, bounds);
}

Value Interpreter::value_of(const Call& node) {
  const Value callee = evaluate(*node.callee);
  return call(callee, evaluate_arguments(node.arguments, ""), *node.callee);
}

Value Interpreter::value_of(const BuiltinCall& node) {
  const Value input = evaluate(*node.input);
  return node.builtin->call(runtime_, input, evaluate_arguments(node.arguments, node.builtin->name));
}

Value Interpreter::value_of(const Unary& node) {
  const Value operand = evaluate(*node.operand);
  if (node.sign == Sign::kNot) return !is_true(operand);
  expect_defined(operand, *node.operand);
  return node.sign == Sign::kMinus ? negate(runtime_, operand) : plus(runtime_, operand);
}

Value Interpreter::value_of(const Binary& node) {
  const Value left = evaluate(*node.left);
  const Value right = evaluate(*node.right);
  expect_defined(left, *node.left);
  if (!(node.op == Operator::kModulo && left.text() != nullptr)) expect_defined(right, *node.right);
  return binary(runtime_, node.op, left, right);
}

Value Interpreter::value_of(const Logic& node) {
  const bool stops_at = node.junction == Junction::kOr;
  Value value;
  for (const ExprPtr& operand : node.operands) {
    value = evaluate(*operand);
    if (is_true(value) == stops_at) break;
  }
  return value;
}

bool Interpreter::compare(Comparison comparison, const Value& a, const Value& b) {
  switch (comparison) {
    case Comparison::kEqual:
      return equal(runtime_, a, b);
    case Comparison::kNotEqual:
      return !equal(runtime_, a, b);
    case Comparison::kLess:
      return order(runtime_, a, b) < 0;
    case Comparison::kLessEqual:
      return order(runtime_, a, b) <= 0;
    case Comparison::kGreater:
      return order(runtime_, a, b) > 0;
    case Comparison::kGreaterEqual:
      return order(runtime_, a, b) >= 0;
    case Comparison::kIn:
      return contains(runtime_, b, a);
    case Comparison::kNotIn:
      break;
  }
  return !contains(runtime_, b, a);
}

Value Interpreter::value_of(const Compare& node) {
  Value left = evaluate(*node.first);
  for (const auto& [comparison, expr] : node.rest) {
    Value right = evaluate(*expr);
    if (!compare(comparison, left, right)) return false;
    left = std::move(right);
  }
  return true;
}

Value Interpreter::value_of(const Concat& node) {
  TextBuilder out(runtime_.budget);
  for (const ExprPtr& part : node.parts) add_str(runtime_, out, evaluate(*part));
  return out.take();
}

Value Interpreter::value_of(const Conditional& node) {
  if (is_true(evaluate(*node.test))) return evaluate(*node.then);
  return evaluate_or(node.otherwise, {});
}

Value Interpreter::value_of(const ListDisplay& node) {
  runtime_.budget.elements(node.items.size());
  std::vector<Value> items;
  items.reserve(node.items.size());
  for (const ExprPtr& item : node.items) items.push_back(evaluate(*item));
  return make_sequence(node.form, std::move(items));
}

Value Interpreter::value_of(const DictDisplay& node) {
  std::vector<Dict::Item> items;
  items.reserve(node.items.size());
  for (const auto& [key, value] : node.items) {
    Value name = evaluate(*key);
    set_item(runtime_, items, name, evaluate(*value));
  }
  return make_dict(std::move(items));
}

}  // namespace moebius::internal::jinja
