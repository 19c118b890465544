// Names of a template to the values of one rendering.
#include "template/jinja/template.h"

#include <memory>

#include "template/jinja/interpreter.h"
#include "template/jinja/parser.h"

namespace moebius::jinja {
namespace {

Value global(const Variables& variables, const std::string& name) {
  for (const auto& [key, value] : variables) {
    if (key == name) return value;
  }
  const Builtin* function = find_function(name);
  if (function == nullptr) return {};
  return std::make_shared<const Callable>(Callable{function, {}, nullptr, {}});
}

}  // namespace

Template Template::parse(std::string_view source, std::string where) {
  Script script = jinja::parse(source, where);
  return {std::move(script), std::move(where)};
}

MarkedText Template::render(const Variables& variables, Budget& budget, const std::tm& now) const {
  Runtime runtime(budget, where_, now);
  std::vector<Value> globals;
  globals.reserve(script_.names.size());
  for (const std::string& name : script_.names) globals.push_back(global(variables, name));
  Text out = Interpreter(runtime, script_, std::move(globals)).run();
  return {std::move(out.text), std::move(out.user)};
}

}  // namespace moebius::jinja
