// The choice of a format by the words of a template.
#include "reply/tool_format.h"

namespace moebius::internal {

ToolFormat tool_format_of(std::string_view chat_template_source) {
  const auto has = [&](std::string_view words) { return chat_template_source.find(words) != std::string_view::npos; };
  // A template spells the newline inside a Jinja string, or breaks the line in its own text.
  if (has("<tool_call>\\n<function=") || has("<tool_call>\n<function=")) return ToolFormat::kQwenXml;
  if (has("<tool_call>") && has("tool_call.name")) return ToolFormat::kHermesJson;
  return ToolFormat::kNone;
}

}  // namespace moebius::internal
