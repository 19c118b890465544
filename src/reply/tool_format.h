// How a family of models writes its tool calls, as its chat template shows it.
#pragma once

#include <cstdint>
#include <string_view>

namespace moebius::internal {

enum class ToolFormat : uint8_t {
  kNone,
  kHermesJson,  // <tool_call>\n{"name": "f", "arguments": {...}}\n</tool_call>
  kQwenXml,     // <tool_call>\n<function=f>\n<parameter=p>\nVALUE\n</parameter>\n</function>\n</tool_call>
};

// Chooses by what the source of the template contains. mlx-lm chooses by the same words.
ToolFormat tool_format_of(std::string_view chat_template_source);

}  // namespace moebius::internal
