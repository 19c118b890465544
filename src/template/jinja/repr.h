// Turns values into text: Python's str() and repr(), and json.dumps() as chat templates get it. Bytes of user strings
// stay marked, and so do those of their escapes. The quotes around them are the template's.
#pragma once

#include <string>

#include "template/jinja/runtime.h"

namespace moebius::internal::jinja {

std::string float_repr(double value);  // the shortest that reads back: 1.0, 1e+16, inf

void add_str(Runtime& runtime, TextBuilder& out, const Value& value);
void add_repr(Runtime& runtime, TextBuilder& out, const Value& value);
// str() as a value. A string is shared, not copied.
TextPtr str(Runtime& runtime, const Value& value);

struct JsonStyle {
  bool ascii_only = false;
  bool sort_keys = false;
  bool has_indent = false;
  Text indent;  // indent of one level
  Text item_separator = {", ", {}};
  Text key_separator = {": ", {}};
};
void add_json(Runtime& runtime, TextBuilder& out, const Value& value, const JsonStyle& style);

}  // namespace moebius::internal::jinja
