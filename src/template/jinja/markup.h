// What jinja2 calls Markup: text that the filters safe and escape made. It behaves as a string, except that plain text
// is escaped for HTML before it is added to markup. No template for a model wants that, but published ones do it.
#pragma once

#include "template/jinja/text.h"

namespace moebius::internal::jinja {

// Writes & < > ' " as entities. Text that is markup already stays as it is.
Text escaped(Budget& budget, const Text& text);

// Returns the same text, or the same list of texts, as markup.
Value as_markup(Budget& budget, const Value& value);

}  // namespace moebius::internal::jinja
