// Whether a chat template has calls of tools in the dialects that this folder reads.
#pragma once

#include <string_view>

namespace moebius::internal {

// Goes by the words that the source contains. mlx-lm goes by the same ones, and chooses one of two dialects by them. A
// model may write the other dialect all the same, so both are read.
//   JSON  <tool_call>\n{"name": "f", "arguments": {...}}\n</tool_call>
//   XML   <tool_call>\n<function=f>\n<parameter=p>\nVALUE\n</parameter>\n</function>\n</tool_call>
bool has_tool_calls(std::string_view chat_template_source);

}  // namespace moebius::internal
