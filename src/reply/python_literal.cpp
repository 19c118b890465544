// Recursive descent over the literal, with a bound on its depth. Every function reads one production into a tree and
// says whether it was there.
#include "reply/python_literal.h"

#include <array>
#include <cstdint>
#include <map>

#include "base/json.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

constexpr int kMaxDepth = 64;

class LiteralReader {
 public:
  explicit LiteralReader(std::string_view text) : text_(text) {}

  std::optional<Json> read() {
    Json value;
    if (!read_value(value, 0)) return std::nullopt;
    skip_blanks();
    return text_.empty() ? std::optional(std::move(value)) : std::nullopt;
  }

 private:
  bool read_value(Json& value, int depth) {
    skip_blanks();
    if (text_.empty() || depth > kMaxDepth) return false;
    switch (text_.front()) {
      case '{':
        return read_dict(value, depth);
      case '[':
        return read_list(value, ']', depth);
      case '(':
        return read_list(value, ')', depth);
      case '"':
      case '\'':
        value = "";
        return read_string(value.get_ref<std::string&>());
      default:
        return read_word(value);
    }
  }

  bool read_list(Json& value, char close, int depth) {
    value = Json::array();
    take_one();
    while (!take(close)) {
      if (!value.empty() && !take(',')) return false;
      if (!value.empty() && take(close)) return true;
      value.push_back(nullptr);
      if (!read_value(value.back(), depth + 1)) return false;
    }
    return true;
  }

  // A key that comes again replaces the value, as in Python.
  bool read_dict(Json& value, int depth) {
    value = Json::object();
    auto& members = value.get_ref<Json::object_t&>();
    std::map<std::string, size_t> places;
    take_one();
    while (!take('}')) {
      if (!members.empty() && !take(',')) return false;
      if (!members.empty() && take('}')) return true;
      std::string key;
      if (!is_at_quote() || !read_string(key) || !take(':')) return false;
      const auto [place, is_new] = places.emplace(key, members.size());
      // Appends as to a vector, because ordered_map's own insertion searches all keys.
      if (is_new) members.emplace_back(std::move(key), nullptr);
      if (!read_value(members.begin()[place->second].second, depth + 1)) return false;
    }
    return true;
  }

  bool read_string(std::string& value) {
    const char quote = take_one();
    while (!text_.empty()) {
      const char c = take_one();
      if (c == quote) return true;
      if (c != '\\') {
        value += c;
      } else if (!read_escape(value)) {
        return false;
      }
    }
    return false;
  }

  bool read_escape(std::string& value) {
    constexpr std::string_view kLetters = "ntrbf0\\'\"/\n";
    constexpr std::array<std::string_view, kLetters.size()> kMeanings = {
        "\n", "\t", "\r", "\b", "\f", std::string_view("\0", 1), "\\", "'", "\"", "/", ""};
    if (text_.empty()) return false;
    const char c = take_one();
    if (const size_t known = kLetters.find(c); known != kLetters.npos) {
      value += kMeanings[known];
      return true;
    }
    if (c == 'x') return read_code_point(value, 2);
    if (c == 'u') return read_code_point(value, 4);
    if (c == 'U') return read_code_point(value, 8);
    value += '\\';
    value += c;
    return true;
  }

  // Two \u escapes that are a surrogate pair are one character, as in JSON.
  bool read_code_point(std::string& value, size_t digits) {
    std::optional<uint32_t> point = take_hex(digits);
    if (point && *point >= 0xd800 && *point < 0xdc00 && text_.starts_with("\\u")) {
      text_.remove_prefix(2);
      const std::optional<uint32_t> low = take_hex(4);
      if (!low || *low < 0xdc00 || *low > 0xdfff) return false;
      point = 0x10000 + ((*point - 0xd800) << 10) + (*low - 0xdc00);
    }
    if (!point || *point > 0x10ffff || (*point >= 0xd800 && *point < 0xe000)) return false;
    append_utf8(value, *point);
    return true;
  }

  std::optional<uint32_t> take_hex(size_t digits) {
    if (text_.size() < digits) return std::nullopt;
    uint32_t number = 0;
    for (size_t i = 0; i < digits; ++i) {
      constexpr std::string_view kDigits = "0123456789abcdef0123456789ABCDEF";
      const size_t digit = kDigits.find(take_one());
      if (digit == kDigits.npos) return std::nullopt;
      number = number << 4 | static_cast<uint32_t>(digit % 16);
    }
    return number;
  }

  static void append_utf8(std::string& value, uint32_t point) {
    const auto continuation = [&](int shift) { value += static_cast<char>(0x80 | (point >> shift & 0x3f)); };
    if (point < 0x80) {
      value += static_cast<char>(point);
    } else if (point < 0x800) {
      value += static_cast<char>(0xc0 | point >> 6);
    } else if (point < 0x10000) {
      value += static_cast<char>(0xe0 | point >> 12);
      continuation(6);
    } else {
      value += static_cast<char>(0xf0 | point >> 18);
      continuation(12);
      continuation(6);
    }
    if (point >= 0x80) continuation(0);
  }

  // Reads a constant or a number. Numbers are JSON's.
  bool read_word(Json& value) {
    const std::string_view word = text_.substr(0, std::min(text_.find_first_of(" \t\r\n,:]})"), text_.size()));
    text_.remove_prefix(word.size());
    if (word == "None" || word == "null") return true;
    if (word == "True" || word == "False") {
      value = word == "True";
      return true;
    }
    try {
      value = parse_json(word, "value");
    } catch (const Error&) {
      return false;
    }
    return value.is_primitive();
  }

  [[nodiscard]] bool is_at_quote() {
    skip_blanks();
    return text_.starts_with('"') || text_.starts_with('\'');
  }

  bool take(char c) {
    skip_blanks();
    if (!text_.starts_with(c)) return false;
    take_one();
    return true;
  }

  char take_one() {
    const char c = text_.front();
    text_.remove_prefix(1);
    return c;
  }

  void skip_blanks() { text_.remove_prefix(std::min(text_.find_first_not_of(" \t\r\n"), text_.size())); }

  std::string_view text_;
};

}  // namespace

std::optional<std::string> python_literal_json(std::string_view text) {
  const std::optional<Json> value = LiteralReader(text).read();
  return value ? std::optional(to_text(*value)) : std::nullopt;
}

}  // namespace moebius::internal
