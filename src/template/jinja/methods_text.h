// Methods of str, and what filters need of them.
#pragma once

#include "template/jinja/pieces.h"
#include "template/jinja/runtime.h"

namespace moebius::internal::jinja {

const Builtin* find_text_method(std::string_view name);  // nullptr: there is none

// Fills the text up to a width in code points. side: where the text goes.
Text pad(Runtime& runtime, const Text& text, const Text& fill, int64_t width, Side side);

}  // namespace moebius::internal::jinja
