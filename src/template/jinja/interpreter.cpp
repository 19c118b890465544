// Runs statements.
#include "template/jinja/interpreter.h"

#include <fmt/format.h>

#include "base/quote.h"
#include "template/jinja/repr.h"

namespace moebius::internal::jinja {

void Interpreter::set(NameId name, Value value) {
  auto& variables = scope_->variables;
  runtime_.budget.step(1 + variables.size() / 8);
  for (auto& [id, old] : variables) {
    if (id != name) continue;
    old = std::move(value);
    return;
  }
  variables.emplace_back(name, std::move(value));
}

Interpreter::Interpreter(Runtime& runtime, const Script& script, std::vector<Value> globals)
    : runtime_(runtime), script_(script), globals_(std::move(globals)), output_(runtime.budget), out_(&output_) {}

Text Interpreter::run() {
  execute(script_.body);
  return output_.take();
}

std::shared_ptr<Scope> Interpreter::inner_scope() { return std::make_shared<Scope>(Scope{scope_, {}}); }

Interpreter::Flow Interpreter::execute(const Body& body) {
  const DepthCounter::Level level(frames_);
  for (const Statement& statement : body) {
    runtime_.budget.step();
    runtime_.line = statement.line;
    const Flow flow = std::visit([this](const auto& node) { return run(node); }, statement.node);
    if (flow != Flow::kNext) return flow;
  }
  return Flow::kNext;
}

Interpreter::Flow Interpreter::run(const Data& node) {
  out_->add(*node.text);
  return Flow::kNext;
}

Interpreter::Flow Interpreter::run(const Print& node) {
  add_str(runtime_, *out_, evaluate(*node.value));
  return Flow::kNext;
}

Interpreter::Flow Interpreter::run(const If& node) {
  for (const auto& [test, body] : node.branches) {
    if (is_true(evaluate(*test))) return execute(body);
  }
  return execute(node.otherwise);
}

Interpreter::Flow Interpreter::run(const For& node) {
  std::vector<Value> elements = elements_of(runtime_, evaluate(*node.source));
  Loop::Filter filter;
  if (node.condition != nullptr) {
    // The filter is called while the body's scope is current, but the condition sees the loop from outside.
    filter = [this, &node, outside = scope_](const Value& element) {
      const Switch<std::shared_ptr<Scope>> scope(scope_, std::make_shared<Scope>(Scope{outside, {}}));
      assign(node.target, element);
      return is_true(evaluate(*node.condition));
    };
  }
  return iterate(node, std::make_shared<Loop>(std::move(elements), std::move(filter)));
}

Interpreter::Flow Interpreter::iterate(const For& node, const std::shared_ptr<Loop>& loop) {
  // An iteration counts when its body came to its end, as in jinja2's compiled code. After a loop whose every iteration
  // was continued or broken off, the else branch runs.
  bool has_finished_one = false;
  while (const std::optional<Value> element = loop->next()) {
    runtime_.budget.step();
    const Switch<std::shared_ptr<Scope>> scope(scope_, inner_scope());
    set(kLoopName, std::weak_ptr<Loop>(loop));
    assign(node.target, *element);
    const Flow flow = execute(node.body);
    has_finished_one = has_finished_one || flow == Flow::kNext;
    if (flow == Flow::kBreak) break;
  }
  if (has_finished_one) return Flow::kNext;
  const Switch<std::shared_ptr<Scope>> scope(scope_, inner_scope());
  return execute(node.otherwise);
}

Interpreter::Flow Interpreter::capture(const Body& body, Value& text) {
  TextBuilder out(runtime_.budget);
  const Switch<TextBuilder*> output(out_, &out);
  const Switch<std::shared_ptr<Scope>> scope(scope_, inner_scope());
  const Flow flow = execute(body);
  text = out.take();
  return flow;
}

Interpreter::Flow Interpreter::run(const Set& node) {
  assign(node.target, evaluate(*node.value));
  return Flow::kNext;
}

Interpreter::Flow Interpreter::run(const SetBlock& node) {
  const Flow flow = capture(node.body, block_text_);
  if (flow == Flow::kNext) assign(node.target, evaluate(*node.value));
  return flow;
}

Interpreter::Flow Interpreter::run(const FilterBlock& node) {
  const Flow flow = capture(node.body, block_text_);
  if (flow == Flow::kNext) out_->add(text_of(runtime_, evaluate(*node.value), "what a filter block makes"));
  return flow;
}

Interpreter::Flow Interpreter::run(const With& node) {
  std::vector<Value> values;  // all values are seen from outside
  for (const auto& [target, value] : node.values) values.push_back(evaluate(*value));
  const Switch<std::shared_ptr<Scope>> scope(scope_, inner_scope());
  for (size_t i = 0; i < values.size(); ++i) assign(node.values[i].first, values[i]);
  return execute(node.body);
}

Interpreter::Flow Interpreter::run(const std::unique_ptr<const Macro>& node) {
  set(node->name, std::make_shared<const Callable>(Callable{nullptr, {}, node.get(), scope_}));
  return Flow::kNext;
}

Interpreter::Flow Interpreter::run(const CallBlock& node) {
  const auto& target = std::get<Call>(node.call->node);
  const Value callee = evaluate(*target.callee);
  Arguments arguments = evaluate_arguments(target.arguments, "");
  arguments.named.emplace_back(std::make_shared<const Text>(Text{"caller", {}}),
                               std::make_shared<const Callable>(Callable{nullptr, {}, &node.caller, scope_}));
  add_str(runtime_, *out_, call(callee, std::move(arguments), *target.callee));
  return Flow::kNext;
}

Interpreter::Flow Interpreter::run(const Generation& node) {
  const Switch<std::shared_ptr<Scope>> scope(scope_, inner_scope());
  return execute(node.body);
}

Interpreter::Flow Interpreter::run(LoopControl control) {
  return control == LoopControl::kBreak ? Flow::kBreak : Flow::kContinue;
}

void Interpreter::assign(const Target& target, const Value& value) {
  if (const auto* name = std::get_if<NameId>(&target.to)) return set(*name, value);
  if (const auto* space = std::get_if<NamespaceTarget>(&target.to)) return assign(*space, value);
  const auto& several = std::get<std::vector<Target>>(target.to);
  const std::vector<Value> values = elements_of(runtime_, value);
  if (values.size() != several.size()) {
    runtime_.fail(fmt::format("{} names for {} values", several.size(), values.size()));
  }
  for (size_t i = 0; i < values.size(); ++i) assign(several[i], values[i]);
}

void Interpreter::assign(const NamespaceTarget& target, const Value& value) {
  const Value space = value_of(Name{target.space});
  if (!space.is<Namespace*>()) {
    runtime_.fail(fmt::format("{} is not a namespace", in_quotes(script_.names[target.space])));
  }
  if (target.attribute.starts_with('_')) runtime_.fail("a namespace has no attributes that begin with _");
  auto& attributes = (*space.get<Namespace*>())->attributes;
  runtime_.budget.step(1 + attributes.size());
  for (auto& [name, old] : attributes) {
    if (name != target.attribute) continue;
    old = value;
    return;
  }
  attributes.emplace_back(target.attribute, value);
}

}  // namespace moebius::internal::jinja
