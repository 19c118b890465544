// Gives the names of a template their values in one rendering.
#include "template/jinja/template.h"

#include <algorithm>
#include <memory>

#include "template/jinja/interpreter.h"
#include "template/jinja/parser.h"

namespace moebius::internal::jinja {
namespace {

Value global(const Variables& variables, const std::string& name) {
  for (const auto& [key, value] : variables) {
    if (key == name) return value;
  }
  const Builtin* function = find_function(name);
  if (function == nullptr) return {};
  return std::make_shared<const Callable>(Callable{function, {}, nullptr, {}});
}

// Returns none when the template does not have the name.
std::optional<NameId> id_of(const Script& script, std::string_view name) {
  const auto found = std::ranges::find(script.names, name);
  if (found == script.names.end()) return std::nullopt;
  return static_cast<NameId>(found - script.names.begin());
}

}  // namespace

Template Template::parse(std::string_view source, std::string where) {
  Script script = jinja::parse(source, where);
  return {std::move(script), std::move(where)};
}

MarkedText Template::render(const Variables& variables, Budget& budget, const std::tm& now, FirstRead* watched) const {
  Runtime runtime(budget, where_, now);
  std::vector<Value> globals;
  globals.reserve(script_.names.size());
  for (const std::string& name : script_.names) globals.push_back(global(variables, name));
  Interpreter interpreter(runtime, script_, std::move(globals));
  if (watched != nullptr) interpreter.watch(id_of(script_, watched->variable));
  Text out = interpreter.run();
  if (watched != nullptr) watched->at = interpreter.first_read();
  return {std::move(out.text), std::move(out.user)};
}

}  // namespace moebius::internal::jinja
