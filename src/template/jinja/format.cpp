// Python's two ways to format: `"%-5s" % value` and `"{}".format(value)`. Text keeps its marks; the digits of a number
// are the template's words.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/quote.h"
#include "template/jinja/compare.h"
#include "template/jinja/methods_text.h"
#include "template/jinja/numbers.h"
#include "template/jinja/operators.h"
#include "template/jinja/repr.h"

namespace moebius::internal::jinja {
namespace {

struct Conversion {
  bool left = false, zero = false, plus = false, blank = false, alternate = false;
  int64_t width = 0;
  int64_t precision = -1;
  char letter = 0;
};

constexpr int64_t kMaxPrecision = 100;  // of a float; Python's own is far beyond what a double holds

class PercentFormat {
 public:
  PercentFormat(Runtime& runtime, const Text& format, const Value& values)
      : runtime_(runtime), format_(format), values_(values), out_(runtime.budget) {}

  Value run() {
    const std::string_view words = format_.text;
    while (at_ < words.size()) {
      const size_t percent = std::min(words.find('%', at_), words.size());
      out_.add(format_, at_, percent);
      at_ = percent + 1;
      if (percent < words.size()) conversion();
    }
    // Python lets a value pass that could be a mapping, though no conversion asked for it.
    const bool is_mapping = values_.dict() || values_.is_undefined() || (values_.sequence() && !is_tuple());
    const size_t given = is_tuple() ? values_.sequence()->items.size() : 1;
    if (!is_mapping && next_ < given) runtime_.fail("not all arguments of % are used");
    return out_.take();
  }

 private:
  [[nodiscard]] bool is_tuple() const {
    return values_.sequence() != nullptr && values_.sequence()->form == Form::kTuple;
  }

  char peek() {
    if (at_ >= format_.text.size()) runtime_.fail("an incomplete % in a format");
    return format_.text[at_];
  }

  Value next_value() {
    if (is_tuple()) {
      const std::vector<Value>& items = values_.sequence()->items;
      if (next_ >= items.size()) runtime_.fail("not enough arguments for %");
      return items[next_++];
    }
    if (next_++ > 0) runtime_.fail("not enough arguments for %");
    return values_;
  }

  Value named_value() {
    const size_t end = format_.text.find(')', at_);
    if (end == std::string::npos) runtime_.fail("an incomplete % in a format");
    const Value key = make_text(std::string_view(format_.text).substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    const Value* value = find_key(runtime_, dict_of(runtime_, values_, "the right side of %"), key);
    if (value == nullptr) runtime_.fail(fmt::format("% finds no key {}", in_quotes(key.text()->text)));
    ++next_;
    return *value;
  }

  int64_t number() {
    int64_t value = 0;
    while (peek() >= '0' && peek() <= '9') {
      value = std::min<int64_t>(value * 10 + (peek() - '0'), kMaxCount + 1);
      ++at_;
    }
    return value;
  }

  int64_t star_or_number() {
    if (peek() != '*') return number();
    ++at_;
    return integer_of(runtime_, next_value(), "the * of a format");
  }

  void conversion() {
    Conversion c;
    std::optional<Value> value;
    if (peek() == '(') value = named_value();
    for (;; ++at_) {
      const char flag = peek();
      if (flag == '-')
        c.left = true;
      else if (flag == '0')
        c.zero = true;
      else if (flag == '+')
        c.plus = true;
      else if (flag == ' ')
        c.blank = true;
      else if (flag == '#')
        c.alternate = true;
      else
        break;
    }
    c.width = star_or_number();
    if (c.width < 0) c.left = true;
    c.width = std::abs(c.width);
    if (peek() == '.') {
      ++at_;
      c.precision = std::max<int64_t>(star_or_number(), 0);
    }
    while (peek() == 'l' || peek() == 'h' || peek() == 'L') ++at_;
    c.letter = peek();
    ++at_;
    if (c.letter == '%') return out_.add("%");
    write(c, value ? *value : next_value());
  }

  void write(const Conversion& c, const Value& value) {
    switch (c.letter) {
      case 's':
      case 'r':
      case 'a':
        return write_text(c, value);
      case 'c':
        return write_character(c, value);
      case 'd':
      case 'i':
      case 'u':
      case 'x':
      case 'X':
      case 'o':
        return write_integer(c, value);
      case 'e':
      case 'E':
      case 'f':
      case 'F':
      case 'g':
      case 'G':
        return write_float(c, value);
      default:
        runtime_.fail(fmt::format("a format has the unknown conversion {}", in_quotes({&c.letter, 1})));
    }
  }

  void put(const Conversion& c, const Text& text) {
    out_.add(pad(runtime_, text, {" ", {}}, c.width, c.left ? Side::kLeft : Side::kRight));
  }

  void write_text(const Conversion& c, const Value& value) {
    if (c.letter == 'a') runtime_.fail("%a is not supported in a format");
    TextBuilder whole(runtime_.budget);
    if (c.letter == 's') {
      add_str(runtime_, whole, value);
    } else {
      add_repr(runtime_, whole, value);
    }
    Text text = whole.take();
    if (c.precision >= 0) {
      text = slice(runtime_.budget, text, 0, byte_of(text.text, static_cast<size_t>(c.precision)));
    }
    put(c, text);
  }

  void write_character(const Conversion& c, const Value& value) {
    if (const Text* text = value.text()) {
      if (count_code_points(text->text) != 1) runtime_.fail("%c needs one character");
      return put(c, *text);
    }
    const int64_t code = integer_of(runtime_, value, "%c");
    if (code < 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) runtime_.fail("%c is out of range");
    Text text;
    append_code_point(text.text, static_cast<char32_t>(code));
    put(c, text);
  }

  // Sign, then zeros up to the width or the precision, then digits.
  void put_number(const Conversion& c, bool is_negative, const std::string& prefix, std::string digits) {
    std::string sign = is_negative ? "-" : c.plus ? "+" : c.blank ? " " : "";
    sign += prefix;
    if (c.width > kMaxCount) runtime_.fail(fmt::format("a width of more than {}", kMaxCount));
    const auto width = static_cast<size_t>(c.width);
    if (c.zero && !c.left && sign.size() + digits.size() < width) {
      digits.insert(0, width - sign.size() - digits.size(), '0');
    }
    put(c, {sign + digits, {}});
  }

  void write_integer(const Conversion& c, const Value& value) {
    const bool is_decimal = c.letter == 'd' || c.letter == 'i' || c.letter == 'u';
    if (const BigInteger* big = value.big_integer(); big != nullptr && is_decimal) {
      const bool is_negative = big->digits.starts_with('-');
      return write_digits(c, is_negative, big->digits.substr(is_negative ? 1 : 0));
    }
    int64_t number = 0;
    const auto* real = value.get<double>();
    if (real != nullptr && is_decimal) {
      if (!(std::fabs(*real) < 9.2e18)) runtime_.fail("a float is too large for %d");
      number = static_cast<int64_t>(*real);
    } else {
      number = integer_of(runtime_, value, "the value of a number format");
    }
    const uint64_t magnitude = number < 0 ? 0 - static_cast<uint64_t>(number) : static_cast<uint64_t>(number);
    std::string digits = c.letter == 'x'   ? fmt::format("{:x}", magnitude)
                         : c.letter == 'X' ? fmt::format("{:X}", magnitude)
                         : c.letter == 'o' ? fmt::format("{:o}", magnitude)
                                           : fmt::format("{}", magnitude);
    write_digits(c, number < 0, std::move(digits));
  }

  void write_digits(const Conversion& c, bool is_negative, std::string digits) {
    if (c.precision > kMaxCount) runtime_.fail(fmt::format("a precision of more than {}", kMaxCount));
    if (c.precision > static_cast<int64_t>(digits.size())) {
      digits.insert(0, static_cast<size_t>(c.precision) - digits.size(), '0');
    }
    const bool has_prefix = c.alternate && (c.letter == 'x' || c.letter == 'X' || c.letter == 'o');
    put_number(c, is_negative, has_prefix ? std::string{'0', c.letter} : "", digits);
  }

  void write_float(const Conversion& c, const Value& value) {
    const auto* real = value.get<double>();
    const BigInteger* big = value.big_integer();
    const double number = real != nullptr  ? *real
                          : big != nullptr ? float_of_integer(big->digits)
                                           : static_cast<double>(integer_of(runtime_, value, "a float format"));
    if (c.precision > kMaxPrecision) runtime_.fail(fmt::format("a precision of more than {}", kMaxPrecision));
    const int64_t precision = c.precision < 0 ? 6 : c.precision;
    const std::string form = fmt::format("{{:.{}{}}}", precision, c.letter);
    const std::string digits = fmt::format(fmt::runtime(form), std::fabs(number));
    put_number(c, std::signbit(number) && !std::isnan(number), "", digits);
  }

  Runtime& runtime_;
  const Text& format_;
  const Value& values_;
  TextBuilder out_;
  size_t at_ = 0;
  size_t next_ = 0;  // arguments used
};

class BraceFormat {
 public:
  BraceFormat(Runtime& runtime, const Text& format, const Arguments& arguments)
      : runtime_(runtime), format_(format), arguments_(arguments), out_(runtime.budget) {}

  Value run() {
    const std::string_view words = format_.text;
    for (size_t at = 0; at < words.size();) {
      const size_t brace = std::min(words.find_first_of("{}", at), words.size());
      out_.add(format_, at, brace);
      if (brace == words.size()) break;
      at = brace + 1;
      if (at < words.size() && words[at] == words[brace]) {
        out_.add(format_, at, at + 1);
        ++at;
        continue;
      }
      const size_t end = words.find('}', at);
      if (words[brace] == '}' || end == std::string_view::npos) runtime_.fail("a lone brace in a format");
      field(words.substr(at, end - at));
      at = end + 1;
    }
    return out_.take();
  }

 private:
  void field(std::string_view field) {
    const size_t colon = std::min(field.find(':'), field.size());
    if (colon + 1 < field.size()) runtime_.fail("a format after a colon, inside of {}, is not supported");
    field = field.substr(0, colon);
    const bool is_repr = field.ends_with("!r");
    if (is_repr || field.ends_with("!s")) field.remove_suffix(2);
    const Value value = look_up(field);
    if (is_repr) {
      add_repr(runtime_, out_, value);
    } else {
      add_str(runtime_, out_, value);
    }
  }

  Value look_up(std::string_view field) {
    const size_t end = std::min(field.find_first_of(".["), field.size());
    Value value = first(field.substr(0, end));
    field.remove_prefix(end);
    while (!field.empty()) {
      const bool is_item = field[0] == '[';
      const size_t stop = is_item ? field.find(']') : std::min(field.find_first_of(".[", 1), field.size());
      if (stop == std::string_view::npos) runtime_.fail("a lone bracket in a format");
      const std::string_view name = field.substr(1, stop - 1);
      const Value key = is_number(name) ? Value(to_number(name)) : make_text(name);
      value = is_item ? item(runtime_, value, key)
                      : attribute(runtime_, value, std::make_shared<const Text>(Text{std::string(name), {}}));
      field.remove_prefix(stop + (is_item ? 1 : 0));
      if (!field.empty() && field[0] != '.' && field[0] != '[') runtime_.fail("a malformed field in a format");
    }
    return value;
  }

  static bool is_number(std::string_view name) {
    return !name.empty() && name.size() < 10 &&
           std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
  }
  static int64_t to_number(std::string_view digits) {
    int64_t value = 0;
    for (const char digit : digits) value = value * 10 + (digit - '0');
    return value;
  }

  Value first(std::string_view name) {
    if (name.empty() || is_number(name)) {
      if (name.empty() ? is_numbered_ : next_ > 0) runtime_.fail("a format both numbers its fields and does not");
      is_numbered_ = is_numbered_ || !name.empty();
      const size_t at = name.empty() ? next_++ : static_cast<size_t>(to_number(name));
      if (at >= arguments_.positional.size()) runtime_.fail("a format has too few arguments");
      return arguments_.positional[at];
    }
    runtime_.budget.step(arguments_.named.size());
    for (const auto& [key, value] : arguments_.named) {
      if (key->text == name) return value;
    }
    runtime_.fail(fmt::format("a format has no argument {}", in_quotes(name)));
  }

  Runtime& runtime_;
  const Text& format_;
  const Arguments& arguments_;
  TextBuilder out_;
  size_t next_ = 0;
  bool is_numbered_ = false;
};

}  // namespace

Value percent_format(Runtime& runtime, const Text& format, const Value& values) {
  if (format.is_markup) runtime.fail("formatting of text that is safe already is not supported");
  runtime.budget.bytes(format.text.size());
  return PercentFormat(runtime, format, values).run();
}

Value brace_format(Runtime& runtime, const Text& format, const Arguments& arguments) {
  if (format.is_markup) runtime.fail("formatting of text that is safe already is not supported");
  runtime.budget.bytes(format.text.size());
  return BraceFormat(runtime, format, arguments).run();
}

}  // namespace moebius::internal::jinja
