// For tests: a very short chat template in the style of Qwen's.
#pragma once

namespace moebius::internal::testing {

inline constexpr const char* kChatTemplate =
    "{%- for m in messages %}{{- '<|im_start|>' + m.role + '\\n' }}"
    "{%- if m.reasoning_content is defined and loop.last %}{{- '<think>' + m.reasoning_content + '</think>' }}"
    "{%- endif %}{{- m.content + '<|im_end|>\\n' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}"
    "{%- if enable_thinking is defined and enable_thinking %}{{- '<think>\\n' }}{%- endif %}{%- endif %}";

}  // namespace moebius::internal::testing
