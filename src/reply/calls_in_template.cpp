// The words by which a template with calls of tools is known.
#include "reply/calls_in_template.h"

namespace moebius::internal {

bool has_tool_calls(std::string_view chat_template_source) {
  const auto has = [&](std::string_view words) { return chat_template_source.find(words) != std::string_view::npos; };
  // A template spells the newline inside a Jinja string, or breaks the line in its own text.
  const bool has_xml = has("<tool_call>\\n<function=") || has("<tool_call>\n<function=");
  return has_xml || (has("<tool_call>") && has("tool_call.name"));
}

}  // namespace moebius::internal
