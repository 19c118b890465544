// Bounded JSON: nlohmann::ordered_json behind a parser for files of strangers. The parser refuses more than max_depth
// levels, more than max_bytes or max_values, duplicate keys, invalid UTF-8, and anything after the value. The typed
// getters check before they convert (nlohmann turns -1 into 2^64-1 and 3.9 into 3 without an error).
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace moebius::internal {

using Json = nlohmann::ordered_json;

// An integer that no 64 bits hold keeps its digits, up to 4300 as in Python. In the tree it is a value of the type that
// JSON text has no other use for (binary), so only to_text() writes such a tree as JSON, and not Json::dump().
Json big_integer(std::string_view digits);                         // as JSON spells it
std::optional<std::string_view> big_integer_of(const Json& json);  // the digits, if it is one

struct JsonLimits {
  uint64_t max_bytes = 16 << 20;
  uint64_t max_values = 2 << 20;  // a tokenizer.json has one million
  int max_depth = 64;
};

// where: the file, for messages. Throws kInvalidJson, kJsonDepth, kDuplicateKey or kHeaderTooLarge with the byte
// offset.
Json parse_json(std::string_view text, const std::string& where, const JsonLimits& limits = {});

// to_text() gives a value as text. The names and strings of the value need not be UTF-8; the text always is. A layout
// is the columns of an indent.
enum class JsonLayout : int8_t { kOneLine = -1, kIndented = 2, kIndentedByFour = 4 };
std::string to_text(const Json& value, JsonLayout layout = JsonLayout::kOneLine);

// One object of a parsed file, with the place that messages name ("config.json: text_config.head_dim"). A getter throws
// kBadConfig, naming the field, when the value has another type or lies outside [min, max]. An absent or null key gives
// the default; without a default, the getter throws kBadConfig.
class JsonObject {
 public:
  JsonObject(const Json& object, std::string where);

  [[nodiscard]] bool has(std::string_view key) const;  // present and not null
  [[nodiscard]] int64_t integer(std::string_view key, int64_t min, int64_t max,
                                std::optional<int64_t> otherwise = std::nullopt) const;
  [[nodiscard]] double number(std::string_view key, double min, double max,
                              std::optional<double> otherwise = std::nullopt) const;
  [[nodiscard]] bool boolean(std::string_view key, std::optional<bool> otherwise = std::nullopt) const;
  [[nodiscard]] std::string string(std::string_view key, std::optional<std::string> otherwise = std::nullopt) const;
  [[nodiscard]] JsonObject object(std::string_view key) const;
  [[nodiscard]] const Json& array(std::string_view key) const;

  [[nodiscard]] const Json& json() const { return *object_; }
  [[nodiscard]] std::string where(std::string_view key) const;  // "config.json: rope_parameters.rope_theta"

 private:
  const Json* object_;
  std::string where_;
};

}  // namespace moebius::internal
