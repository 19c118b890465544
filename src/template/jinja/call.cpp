// Calls of builtins, and of macros with their defaults, varargs, kwargs and caller.
#include <fmt/format.h>

#include "base/quote.h"
#include "template/jinja/interpreter.h"
#include "template/jinja/markup.h"

namespace moebius::internal::jinja {

Arguments Interpreter::evaluate_arguments(const CallArguments& arguments, std::string_view function) {
  Arguments out{function, {}, {}};
  out.positional.reserve(arguments.positional.size());
  for (const ExprPtr& value : arguments.positional) out.positional.push_back(evaluate(*value));
  for (const auto& [name, value] : arguments.named) out.named.emplace_back(name, evaluate(*value));
  if (arguments.spread != nullptr) {
    for (Value& value : elements_of(runtime_, evaluate(*arguments.spread))) out.positional.push_back(std::move(value));
  }
  if (arguments.spread_named != nullptr) {
    const Value mapping = evaluate(*arguments.spread_named);
    const Dict& dict = dict_of(runtime_, mapping, "what ** spreads");
    runtime_.budget.elements(2 * dict.items.size());
    for (const auto& [key, value] : dict.items) {
      text_of(runtime_, key, "a key that ** spreads");
      runtime_.budget.step(arguments.named.size());
      for (const auto& [name, expr] : arguments.named) {
        if (name->text == key.text()->text) runtime_.fail(fmt::format("two values for {}", in_quotes(name->text)));
      }
      out.named.emplace_back(*key.get<TextPtr>(), value);
    }
  }
  return out;
}

Value Interpreter::call(const Value& callee, Arguments arguments, const Expr& expr) {
  expect_defined(callee, expr);
  const Callable* callable = callee.callable();
  if (callable == nullptr) runtime_.fail(fmt::format("{} is a {}, not a function", describe(expr), type_name(callee)));
  if (callable->macro != nullptr) return call_macro(*callable, std::move(arguments));
  arguments.function = callable->builtin->name;
  Value result = callable->builtin->call(runtime_, callable->self, arguments);
  const Text* self = callable->self.text();
  return self != nullptr && self->is_markup ? as_markup(runtime_.budget, result) : result;
}

Value Interpreter::call_macro(const Callable& callable, Arguments arguments) {
  const DepthCounter::Level level(calls_);
  std::shared_ptr<Scope> outside = callable.scope.lock();
  if (outside == nullptr) runtime_.fail("a macro is called outside of the block that defines it");
  const int line = runtime_.line;
  TextBuilder out(runtime_.budget);
  const Switch<TextBuilder*> output(out_, &out);
  const Switch<std::shared_ptr<Scope>> scope(scope_, std::make_shared<Scope>(Scope{std::move(outside), {}}));
  bind_macro(*callable.macro, std::move(arguments));
  execute(callable.macro->body);
  runtime_.line = line;
  return out.take();
}

std::string_view Interpreter::name_of(const Macro& macro) const {
  return macro.name < 0 ? "caller" : std::string_view(script_.names[static_cast<size_t>(macro.name)]);
}

void Interpreter::bind_macro(const Macro& macro, Arguments arguments) {
  std::vector<std::pair<TextPtr, Value>> rest = std::move(arguments.named);
  const auto take = [&](std::string_view name) -> std::optional<Value> {
    runtime_.budget.step(rest.size());
    for (auto at = rest.begin(); at != rest.end(); ++at) {
      if (at->first->text != name) continue;
      Value value = std::move(at->second);
      rest.erase(at);
      return value;
    }
    return std::nullopt;
  };
  std::vector<const Macro::Parameter*> missing;
  size_t position = 0;
  for (const Macro::Parameter& parameter : macro.parameters) {
    std::optional<Value> value;
    if (position < arguments.positional.size()) {
      value = std::move(arguments.positional[position++]);
    } else {
      value = take(script_.names[static_cast<size_t>(parameter.name)]);
    }
    if (!value) missing.push_back(&parameter);
    set(parameter.name, value.value_or(Value()));
  }
  if (macro.takes_caller) set(kCallerName, take("caller").value_or(Value()));
  if (!macro.takes_kwargs && !rest.empty()) {
    runtime_.fail(fmt::format("{}() has no parameter {}", name_of(macro), in_quotes(rest[0].first->text)));
  }
  if (!macro.takes_varargs && position < arguments.positional.size()) {
    runtime_.fail(fmt::format("{}() takes at most {} arguments", name_of(macro), macro.parameters.size()));
  }
  if (macro.takes_kwargs) {
    set(kKwargsName, make_dict({std::make_move_iterator(rest.begin()), std::make_move_iterator(rest.end())}));
  }
  if (macro.takes_varargs) {
    const auto begin = arguments.positional.begin() + static_cast<ptrdiff_t>(position);
    set(kVarargsName, make_sequence(Form::kTuple, {begin, arguments.positional.end()}));
  }
  for (const Macro::Parameter* parameter : missing) {
    if (parameter->otherwise != nullptr) set(parameter->name, evaluate(*parameter->otherwise));
  }
}

}  // namespace moebius::internal::jinja
