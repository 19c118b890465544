// Finds types by the names that tools of the field use for them (those of mlx-lm's parser), and values by types.
#include "reply/tool_schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "moebius/error.h"
#include "reply/python_literal.h"

namespace moebius::internal {
namespace {

constexpr int kMaxSchemaDepth = 16;

const Json* member(const Json& object, std::string_view key) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equals_ignoring_case(std::string_view text, std::string_view word) {
  return std::ranges::equal(text, word, [](char a, char b) { return lower(a) == b; });
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

// ---- schema -> type ----

void add_named_type(ParameterType& type, std::string_view spelled) {
  std::string name(trim(spelled));
  std::ranges::transform(name, name.begin(), lower);
  const auto is_one_of = [&](std::initializer_list<std::string_view> names) { return std::ranges::count(names, name); };
  const auto begins_with = [&](std::initializer_list<std::string_view> prefixes) {
    return std::ranges::any_of(prefixes, [&](std::string_view prefix) { return name.starts_with(prefix); });
  };
  if (is_one_of({"string", "str", "text", "varchar", "char", "enum"})) type.is_text = true;
  if (begins_with({"int", "uint", "long", "short", "unsigned"})) type.is_integer = true;
  if (begins_with({"num", "float"})) type.is_number = true;
  if (is_one_of({"boolean", "bool", "binary"})) type.is_boolean = true;
  if (is_one_of({"object", "array", "arr"}) || begins_with({"dict", "list"})) type.is_container = true;
  if (name == "null") type.is_nullable = true;
}

void add_types(ParameterType& type, const Json& schema, int depth) {
  if (depth > kMaxSchemaDepth) return;
  const Json* named = member(schema, "type");
  if (named != nullptr && named->is_string()) add_named_type(type, named->get_ref<const std::string&>());
  if (named != nullptr && named->is_array()) {
    for (const Json& one : *named) {
      if (one.is_string()) add_named_type(type, one.get_ref<const std::string&>());
    }
  }
  const Json* values = member(schema, "enum");
  if (named == nullptr && values != nullptr && values->is_array()) {
    type.is_text |= std::ranges::any_of(*values, [](const Json& value) { return value.is_string(); });
  }
  if (const Json* nullable = member(schema, "nullable")) type.is_nullable |= *nullable == Json(true);
  for (const char* key : {"anyOf", "oneOf"}) {
    const Json* choices = member(schema, key);
    if (choices == nullptr || !choices->is_array()) continue;
    for (const Json& choice : *choices) add_types(type, choice, depth + 1);
  }
}

// ---- text -> value ----

std::optional<double> number_of(std::string_view text) {
  text = trim(text);
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && std::isfinite(value) ? std::optional(value) : std::nullopt;
}

// Returns the integer that is spelled by digits alone, or with a fraction of zeros: +007 and 7.0 are 7. No double is in
// between, because it would lose the digits of a large one.
std::optional<std::string> spelled_integer(std::string_view text) {
  const bool is_negative = text.starts_with('-');
  if (is_negative || text.starts_with('+')) text.remove_prefix(1);
  if (const size_t point = text.find('.'); point != text.npos && point > 0) {
    const size_t zeros_end = text.find_last_not_of('0');
    if (zeros_end != point) return std::nullopt;
    text.remove_suffix(text.size() - point);
  }
  if (text.empty() || text.find_first_not_of("0123456789") != text.npos) return std::nullopt;
  text.remove_prefix(std::min(text.find_first_not_of('0'), text.size() - 1));
  return (is_negative ? "-" : "") + std::string(text);
}

std::optional<std::string> integer_json(std::string_view text) {
  constexpr double kExact = 1LL << 53;
  if (auto integer = spelled_integer(trim(text))) return integer;
  const std::optional<double> value = number_of(text);
  if (!value || std::abs(*value) > kExact || std::trunc(*value) != *value) return std::nullopt;
  return std::to_string(static_cast<int64_t>(*value));
}

std::optional<std::string> number_json(std::string_view text) {
  if (auto integer = integer_json(text)) return integer;
  const std::optional<double> value = number_of(text);
  return value ? std::optional(Json(*value).dump()) : std::nullopt;
}

std::optional<std::string> boolean_json(std::string_view text) {
  for (const char* word : {"true", "false"}) {
    if (equals_ignoring_case(trim(text), word)) return word;
  }
  return std::nullopt;
}

// Returns JSON as it is written (numbers keep their spelling). If the text is no JSON, returns what Python would read.
std::optional<std::string> container_json(std::string_view text) {
  const std::string_view trimmed = trim(text);
  try {
    parse_json(trimmed, "value");
    return std::string(trimmed);
  } catch (const Error&) {
    return python_literal_json(trimmed);
  }
}

bool is_bracketed(std::string_view text) { return !text.empty() && (text.front() == '{' || text.front() == '['); }

}  // namespace

std::vector<ToolSchema> tool_schemas(const Json& tools) {
  std::vector<ToolSchema> schemas;
  if (!tools.is_array()) return schemas;
  for (const Json& tool : tools) {
    const Json* wrapped = member(tool, "function");
    const Json& function = wrapped != nullptr ? *wrapped : tool;
    const Json* name = member(function, "name");
    if (name == nullptr || !name->is_string()) continue;
    const Json* parameters = member(function, "parameters");
    schemas.push_back({name->get<std::string>(), parameters != nullptr ? *parameters : Json()});
  }
  return schemas;
}

ParameterType parameter_type(const Json& schema) {
  ParameterType type;
  add_types(type, schema, 0);
  return type;
}

std::string json_of_value(const ParameterType& type, std::string_view text) {
  if (is_null_word(text) && (type.is_nullable || !type.is_text)) return "null";
  std::optional<std::string> json;
  if (!type.is_text) {
    const bool is_open = type == ParameterType{.is_nullable = type.is_nullable};
    if (type.is_integer) json = integer_json(text);
    if (!json && type.is_number) json = number_json(text);
    if (!json && type.is_boolean) json = boolean_json(text);
    if (!json && (type.is_container || (is_open && is_bracketed(trim(text))))) json = container_json(text);
  }
  if (json) return *json;
  std::string quoted = "\"";
  append_escaped(quoted, text);
  return quoted + '"';
}

bool is_null_word(std::string_view text) { return equals_ignoring_case(text, "null"); }

void append_escaped(std::string& json, std::string_view text) {
  constexpr std::string_view kEscaped = "\"\\\n\t\r\b\f";
  constexpr std::string_view kLetters = "\"\\ntrbf";
  for (const char c : text) {
    if (const size_t known = kEscaped.find(c); known != kEscaped.npos) {
      json += '\\';
      json += kLetters[known];
    } else if (static_cast<unsigned char>(c) < 0x20) {
      json += fmt::format("\\u{:04x}", static_cast<int>(c));
    } else {
      json += c;
    }
  }
}

ToolTypes::ToolTypes(const std::vector<ToolSchema>& tools) {
  for (const ToolSchema& tool : tools) {
    auto& types = tools_[tool.name];
    const Json* properties = member(tool.parameters, "properties");
    if (properties == nullptr || !properties->is_object()) continue;
    for (const auto& [name, schema] : properties->items()) types[name] = parameter_type(schema);
  }
}

ParameterType ToolTypes::type_of(std::string_view tool, std::string_view parameter) const {
  const auto types = tools_.find(tool);
  if (types == tools_.end()) return {.is_text = true};
  const auto type = types->second.find(parameter);
  return type == types->second.end() ? ParameterType{.is_text = true} : type->second;
}

}  // namespace moebius::internal
