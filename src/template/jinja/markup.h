// What jinja2 calls Markup: text that the filters safe and escape made. It behaves as a string, but that plain text
// which is added to it is escaped for HTML first. No template for a model wants that; published ones do it all the
// same.
#pragma once

#include "template/jinja/text.h"

namespace moebius::internal::jinja {

// & < > ' " as entities; what is markup already stays.
Text escaped(Budget& budget, const Text& text);

// The same text, or the same list of texts, as markup.
Value as_markup(Budget& budget, const Value& value);

}  // namespace moebius::internal::jinja
