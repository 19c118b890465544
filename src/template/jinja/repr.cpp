// Python's str() and repr().
#include "template/jinja/repr.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "template/jinja/case.h"

namespace moebius::internal::jinja {
namespace {

std::string escape_of(char32_t value, char32_t quote) {
  if (value == quote || value == '\\') return {'\\', static_cast<char>(value)};
  if (value == '\n') return "\\n";
  if (value == '\r') return "\\r";
  if (value == '\t') return "\\t";
  if (is_printable(value)) return {};
  const auto code = static_cast<uint32_t>(value);
  if (code < 0x100) return fmt::format("\\x{:02x}", code);
  return code < 0x10000 ? fmt::format("\\u{:04x}", code) : fmt::format("\\U{:08x}", code);
}

void add_quoted(Runtime& runtime, TextBuilder& out, const Text& text) {
  runtime.budget.bytes(text.text.size());
  const bool has_single = text.text.find('\'') != std::string::npos;
  const char quote = has_single && text.text.find('"') == std::string::npos ? '"' : '\'';
  out.add({&quote, 1});
  size_t plain = 0;  // where the text that needs no escape began
  for (size_t at = 0; at < text.text.size();) {
    const CodePoint point = code_point_at(text.text, at);
    const std::string escape = escape_of(point.value, static_cast<char32_t>(quote));
    if (!escape.empty()) {
      out.add(text, plain, at);
      out.add_made_from(escape, text, at, at + point.length);
      plain = at + point.length;
    }
    at += point.length;
  }
  out.add(text, plain, text.text.size());
  out.add({&quote, 1});
}

struct Ends {
  std::string_view open, close;
};

Ends ends_of(const Sequence& sequence) {
  switch (sequence.form) {
    case Form::kTuple:
      return {"(", sequence.items.size() == 1 ? ",)" : ")"};
    case Form::kKeys:
      return {"dict_keys([", "])"};
    case Form::kValues:
      return {"dict_values([", "])"};
    case Form::kItems:
      return {"dict_items([", "])"};
    default:
      return {"[", "]"};
  }
}

// Prints a range by its bounds, which its elements tell. (Python keeps the bounds as they were given. The bounds of an
// empty range, and an end that the step jumps over, are lost here.)
void add_range(TextBuilder& out, const std::vector<Value>& items) {
  const auto at = [&](size_t i) { return *items[i].get<int64_t>(); };
  const int64_t step = items.size() > 1 ? at(1) - at(0) : 1;
  const int64_t begin = items.empty() ? 0 : at(0);
  const int64_t end = items.empty() ? 0 : at(items.size() - 1) + step;
  out.add(step == 1 ? fmt::format("range({}, {})", begin, end) : fmt::format("range({}, {}, {})", begin, end, step));
}

void add_sequence(Runtime& runtime, TextBuilder& out, const Sequence& sequence) {
  if (sequence.form == Form::kRange) return add_range(out, sequence.items);
  const Ends ends = ends_of(sequence);
  out.add(ends.open);
  std::string_view separator;
  for (const Value& item : sequence.items) {
    out.add(separator);
    add_repr(runtime, out, item);
    separator = ", ";
  }
  out.add(ends.close);
}

void add_dict(Runtime& runtime, TextBuilder& out, const Dict& dict) {
  out.add("{");
  std::string_view separator;
  for (const auto& [key, value] : dict.items) {
    out.add(separator);
    add_repr(runtime, out, key);
    out.add(": ");
    add_repr(runtime, out, value);
    separator = ", ";
  }
  out.add("}");
}

struct Repr {
  Runtime& runtime;
  TextBuilder& out;
  const Value& value;

  void operator()(Undefined) const { out.add("Undefined"); }
  void operator()(None) const { out.add("None"); }
  void operator()(bool boolean) const { out.add(boolean ? "True" : "False"); }
  void operator()(int64_t number) const { out.add(fmt::format("{}", number)); }
  void operator()(const BigIntegerPtr& number) const { out.add(number->digits); }
  void operator()(double number) const { out.add(float_repr(number)); }
  void operator()(const TextPtr& text) const {
    if (text->is_markup) out.add("Markup(");
    add_quoted(runtime, out, *text);
    if (text->is_markup) out.add(")");
  }
  void operator()(const SequencePtr& sequence) const { add_sequence(runtime, out, *sequence); }
  void operator()(const DictPtr& dict) const { add_dict(runtime, out, *dict); }
  // Python prints an address here, which no template means.
  template <typename Object>
  void operator()(const Object&) const {
    runtime.fail(fmt::format("a {} cannot be printed{}", type_name(value),
                             value.is<std::shared_ptr<Generator>>() ? ": add |list" : ""));
  }
};

}  // namespace

std::string float_repr(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char buffer[40];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  const std::string_view shortest(buffer, static_cast<size_t>(end - buffer));
  const size_t mark = shortest.find('e');
  int exponent = 0;
  const char* digits = shortest.data() + mark + 1 + (shortest[mark + 1] == '+' ? 1 : 0);
  std::from_chars(digits, end, exponent);
  if (exponent < -4 || exponent >= 16) return std::string(shortest);
  const auto fixed = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed);
  std::string out(buffer, fixed.ptr);
  return out.find('.') == std::string::npos ? out + ".0" : out;
}

void add_repr(Runtime& runtime, TextBuilder& out, const Value& value) {
  runtime.budget.step();
  std::visit(Repr{runtime, out, value}, value.held());
}

void add_str(Runtime& runtime, TextBuilder& out, const Value& value) {
  if (value.is_undefined()) return;
  if (const Text* text = value.text()) return out.add(*text);
  add_repr(runtime, out, value);
}

TextPtr str(Runtime& runtime, const Value& value) {
  if (const auto* text = value.get<TextPtr>()) return *text;
  TextBuilder out(runtime.budget);
  add_str(runtime, out, value);
  return std::make_shared<const Text>(out.take());
}

}  // namespace moebius::internal::jinja
