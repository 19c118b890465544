// What the JSON schemas of a request's tools say about the parameters of a call. It is enough to turn the raw text of
// an XML parameter into JSON. This file does not validate a call against its schema.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace moebius::internal {

struct ToolSchema {
  std::string name;
  Json parameters;  // the JSON schema of the arguments; null when the tool has none
};

// Reads the `tools` of a request: OpenAI's form ({"type": "function", "function": {...}}) or the bare function. A tool
// that has no name is left out.
std::vector<ToolSchema> tool_schemas(const Json& tools);

// The types that a schema allows. When it allows none of them, nothing is known, and only a container is told from
// text.
struct ParameterType {
  bool is_text = false;  // wins over the others
  bool is_integer = false;
  bool is_number = false;
  bool is_boolean = false;
  bool is_container = false;
  bool is_nullable = false;
  bool operator==(const ParameterType&) const = default;
};

ParameterType parameter_type(const Json& schema);

// Returns the JSON of a value that the model wrote as raw text. A text that does not read as its type becomes a JSON
// string. The word null (any case) is null if the type is nullable or is not text: a model that was asked for a string
// means the word.
std::string json_of_value(const ParameterType& type, std::string_view text);

bool is_null_word(std::string_view text);

// Appends text to the inside of a JSON string. The text is UTF-8.
void append_escaped(std::string& json, std::string_view text);

class ToolTypes {
 public:
  explicit ToolTypes(const std::vector<ToolSchema>& tools);

  [[nodiscard]] bool knows(std::string_view tool) const { return tools_.contains(tool); }
  // A parameter that no schema mentions is text.
  [[nodiscard]] ParameterType type_of(std::string_view tool, std::string_view parameter) const;

 private:
  std::map<std::string, std::map<std::string, ParameterType, std::less<>>, std::less<>> tools_;
};

}  // namespace moebius::internal
