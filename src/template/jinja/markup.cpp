// Escaping for HTML.
#include "template/jinja/markup.h"

namespace moebius::internal::jinja {
namespace {

std::string_view entity(char character) {
  switch (character) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '\'':
      return "&#39;";
    case '"':
      return "&#34;";
    default:
      return {};
  }
}

Value marked_up(Budget& budget, const Text& text) {
  Text copy = slice(budget, text, 0, text.text.size());
  copy.is_markup = true;
  return copy;
}

}  // namespace

Text escaped(Budget& budget, const Text& text) {
  if (text.is_markup) return slice(budget, text, 0, text.text.size());
  TextBuilder out(budget);
  size_t plain = 0;
  for (size_t at = 0; at < text.text.size(); ++at) {
    const std::string_view made = entity(text.text[at]);
    if (made.empty()) continue;
    out.add(text, plain, at);
    out.add_made_from(made, text, at, at + 1);
    plain = at + 1;
  }
  out.add(text, plain, text.text.size());
  return out.take();
}

Value as_markup(Budget& budget, const Value& value) {
  if (const Text* text = value.text()) return marked_up(budget, *text);
  const Sequence* sequence = value.sequence();
  if (sequence == nullptr) return value;
  budget.elements(sequence->items.size());
  std::vector<Value> items;
  items.reserve(sequence->items.size());
  for (const Value& item : sequence->items) items.push_back(as_markup(budget, item));
  return make_sequence(sequence->form, std::move(items));
}

}  // namespace moebius::internal::jinja
