// json.dumps() as the tojson filter of chat templates calls it: separators with a space, no HTML escapes, Python's
// floats, the order of insertion. Compact separators would change the prompt of every tool call.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "template/jinja/repr.h"

namespace moebius::internal::jinja {
namespace {

std::string unit(uint32_t code) { return fmt::format("\\u{:04x}", code); }

std::string json_escape(char32_t value, bool ascii_only) {
  switch (value) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    case '\f':
      return "\\f";
    case '\b':
      return "\\b";
    default:
      break;
  }
  const auto code = static_cast<uint32_t>(value);
  if (code < 0x20 || (ascii_only && code >= 0x7f && code < 0x10000)) return unit(code);
  if (!ascii_only || code < 0x7f) return {};
  return unit(0xd800 + ((code - 0x10000) >> 10)) + unit(0xdc00 + ((code - 0x10000) & 0x3ff));
}

class JsonPrinter {
 public:
  JsonPrinter(Runtime& runtime, TextBuilder& out, const JsonStyle& style)
      : runtime_(runtime), out_(out), style_(style) {}

  void print(const Value& value) {
    runtime_.budget.step();
    if (const Text* text = value.text()) {
      quoted(*text);
    } else if (const Dict* dict = value.dict()) {
      object(*dict);
    } else if (const Sequence* list = value.sequence();
               list != nullptr && (list->form == Form::kList || list->form == Form::kTuple)) {
      array(*list);
    } else if (const std::string plain = scalar(value); !plain.empty()) {
      out_.add(plain);
    } else {
      runtime_.fail(fmt::format("{} cannot be written as JSON", type_name(value)));
    }
  }

 private:
  static std::string scalar(const Value& value) {
    if (value.is<None>()) return "null";
    if (const auto* boolean = value.get<bool>()) return *boolean ? "true" : "false";
    if (const auto* integer = value.get<int64_t>()) return fmt::format("{}", *integer);
    if (const BigInteger* integer = value.big_integer()) return integer->digits;
    const auto* real = value.get<double>();
    if (real == nullptr) return {};
    if (std::isnan(*real)) return "NaN";
    if (std::isinf(*real)) return *real > 0 ? "Infinity" : "-Infinity";
    return float_repr(*real);
  }

  void quoted(const Text& text) {
    out_.add("\"");
    size_t plain = 0;
    for (size_t at = 0; at < text.text.size();) {
      const CodePoint point = code_point_at(text.text, at);
      const std::string escape = json_escape(point.value, style_.ascii_only);
      if (!escape.empty()) {
        out_.add(text, plain, at);
        out_.add_made_from(escape, text, at, at + point.length);
        plain = at + point.length;
      }
      at += point.length;
    }
    out_.add(text, plain, text.text.size());
    out_.add("\"");
  }

  void new_line() {
    if (!style_.has_indent) return;
    out_.add("\n");
    for (int i = 0; i < level_; ++i) out_.add(style_.indent);
  }

  void array(const Sequence& list) {
    if (list.items.empty()) return out_.add("[]");
    out_.add("[");
    ++level_;
    for (const Value& item : list.items) {
      if (&item != list.items.data()) out_.add(style_.item_separator);
      new_line();
      print(item);
    }
    --level_;
    new_line();
    out_.add("]");
  }

  void object(const Dict& dict) {
    if (dict.items.empty()) return out_.add("{}");
    out_.add("{");
    ++level_;
    bool is_first = true;
    for (const Dict::Item* item : ordered(dict)) {
      if (!is_first) out_.add(style_.item_separator);
      is_first = false;
      new_line();
      key(item->first);
      out_.add(style_.key_separator);
      print(item->second);
    }
    --level_;
    new_line();
    out_.add("}");
  }

  void key(const Value& key) {
    if (const Text* text = key.text()) return quoted(*text);
    const std::string plain = scalar(key);
    if (plain.empty()) runtime_.fail(fmt::format("{} cannot be a key of JSON", type_name(key)));
    out_.add("\"" + plain + "\"");
  }

  std::vector<const Dict::Item*> ordered(const Dict& dict) {
    runtime_.budget.elements(dict.items.size());
    std::vector<const Dict::Item*> items;
    for (const Dict::Item& item : dict.items) items.push_back(&item);
    if (!style_.sort_keys) return items;
    for (const Dict::Item* item : items) text_of(runtime_, item->first, "a key to sort by");
    std::sort(items.begin(), items.end(),
              [](const Dict::Item* a, const Dict::Item* b) { return a->first.text()->text < b->first.text()->text; });
    return items;
  }

  Runtime& runtime_;
  TextBuilder& out_;
  const JsonStyle& style_;
  int level_ = 0;
};

}  // namespace

void add_json(Runtime& runtime, TextBuilder& out, const Value& value, const JsonStyle& style) {
  JsonPrinter(runtime, out, style).print(value);
}

}  // namespace moebius::internal::jinja
