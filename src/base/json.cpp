// The tree builder over json_events.h, and typed getters that check before they convert.
#include "base/json.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <utility>
#include <vector>

#include "base/duplicates.h"
#include "base/json_events.h"
#include "base/quote.h"

namespace moebius::internal {
namespace {

constexpr const char* kBadFieldHint = "correct the field, or download the file again";

class TreeBuilder : public JsonHandler {
 public:
  TreeBuilder(std::string where, uint64_t max_values) : where_(std::move(where)), values_left_(max_values) {}

  void begin_object() override { open_.push_back({add(Json::object()), {}}); }
  void begin_array() override { open_.push_back({add(Json::array()), {}}); }
  void end_array() override { open_.pop_back(); }
  void end_object() override {
    refuse_duplicates(open_.back());
    open_.pop_back();
  }
  void key(std::string&& key) override {
    open_.back().key_ends.push_back(position());
    key_ = std::move(key);
  }
  void scalar(Json&& value) override { add(std::move(value)); }
  void huge_number(std::string_view text) override {
    throw Error(ErrorCode::kInvalidJson, where_,
                fmt::format("the number {} does not fit a double, at byte {}", printable(text, 32), position()),
                kBadJsonHint);
  }

  Json take() { return std::move(root_); }

 private:
  struct Level {
    Json* node;
    std::vector<uint64_t> key_ends;
  };

  Json* add(Json&& value) {
    // A tree takes up to twenty times the bytes of its text, so a limit on the text alone does not bound the tree.
    if (values_left_-- == 0) {
      throw Error(ErrorCode::kHeaderTooLarge, where_, fmt::format("too many JSON values, before byte {}", position()),
                  kBadJsonHint);
    }
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Json& parent = *open_.back().node;
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    // emplace_back appends as to a vector. ordered_map's own insertion searches all keys, which is quadratic on a
    // hostile file.
    auto& object = parent.get_ref<Json::object_t&>();
    object.emplace_back(std::move(key_), std::move(value));
    return &object.back().second;
  }

  void refuse_duplicates(const Level& level) const {
    const Json::object_t::Container& object = level.node->get_ref<const Json::object_t&>();
    const auto name = [&](size_t i) -> const std::string& { return object[i].first; };
    const std::optional<size_t> twice = first_duplicate(object.size(), name);
    if (!twice) return;
    throw Error(
        ErrorCode::kDuplicateKey, where_,
        fmt::format("the key {} appears twice, again before byte {}", in_quotes(name(*twice)), level.key_ends[*twice]),
        kBadJsonHint);
  }

  std::string where_;
  uint64_t values_left_;
  std::string key_;
  Json root_;
  std::vector<Level> open_;
};

[[noreturn]] void refuse_value(const std::string& where, const std::string& expected, const Json& value) {
  const bool is_small = value.is_primitive();
  const std::string got = value.is_string() ? in_quotes(value.get_ref<const std::string&>())
                          : is_small        ? to_text(value)
                                            : std::string(value.type_name());
  throw Error(ErrorCode::kBadConfig, where, "expected " + expected + ", got " + got, kBadFieldHint);
}

[[noreturn]] void refuse_missing(const std::string& where) {
  throw Error(ErrorCode::kBadConfig, where, "is missing", kBadFieldHint);
}

// Returns the value at key, or nullptr when the key is absent or null.
const Json* find_value(const Json& object, std::string_view key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

// Returns the number nearest to the value, or NaN when the value is no number.
double double_of(const Json& value) {
  if (const auto digits = big_integer_of(value)) return std::strtod(std::string(*digits).c_str(), nullptr);
  return value.is_number() ? value.get<double>() : std::nan("");
}

// Returns the integer, or nullopt when the value is no integer that int64 can hold.
std::optional<int64_t> exact_integer(const Json& value) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<uint64_t>();
    if (number > static_cast<uint64_t>(INT64_MAX)) return std::nullopt;
    return static_cast<int64_t>(number);
  }
  if (value.is_number_integer()) return value.get<int64_t>();
  return std::nullopt;
}

class JsonWriter {
 public:
  explicit JsonWriter(JsonLayout layout) : indent_(static_cast<int>(layout)) {}

  void write(const Json& value) {
    if (const auto digits = big_integer_of(value)) {
      out_ += *digits;
    } else if (value.is_object()) {
      write_items(value.get_ref<const Json::object_t&>(), '{', '}', [&](const auto& member) {
        out_ += text_of(member.first) + (indent_ < 0 ? ":" : ": ");
        write(member.second);
      });
    } else if (value.is_array()) {
      write_items(value.get_ref<const Json::array_t&>(), '[', ']', [&](const Json& item) { write(item); });
    } else {
      out_ += text_of(value);
    }
  }

  std::string take() { return std::move(out_); }

 private:
  static std::string text_of(const Json& scalar) {
    constexpr bool kAsciiOnly = false;
    return scalar.dump(-1, ' ', kAsciiOnly, Json::error_handler_t::replace);
  }

  template <typename Items, typename WriteItem>
  void write_items(const Items& items, char open, char close, const WriteItem& write_item) {
    out_ += open;
    ++level_;
    bool is_first = true;
    for (const auto& item : items) {
      if (!std::exchange(is_first, false)) out_ += ',';
      new_line();
      write_item(item);
    }
    --level_;
    if (!items.empty()) new_line();
    out_ += close;
  }

  void new_line() {
    if (indent_ < 0) return;
    out_ += '\n';
    out_.append(static_cast<size_t>(indent_ * level_), ' ');
  }

  int indent_;
  int level_ = 0;
  std::string out_;
};

}  // namespace

Json big_integer(std::string_view digits) { return Json::binary({digits.begin(), digits.end()}); }

std::optional<std::string_view> big_integer_of(const Json& json) {
  if (!json.is_binary()) return std::nullopt;
  const Json::binary_t& digits = json.get_binary();
  return std::string_view(reinterpret_cast<const char*>(digits.data()), digits.size());
}

Json parse_json(std::string_view text, const std::string& where, const JsonLimits& limits) {
  TreeBuilder builder(where, limits.max_values);
  parse_json_events({text, where, limits}, builder);
  return builder.take();
}

JsonObject::JsonObject(const Json& object, std::string where) : object_(&object), where_(std::move(where)) {
  if (!object.is_object()) refuse_value(where_, "an object", object);
}

bool JsonObject::has(std::string_view key) const { return find_value(*object_, key) != nullptr; }

int64_t JsonObject::integer(std::string_view key, int64_t min, int64_t max, std::optional<int64_t> otherwise) const {
  const Json* value = find_value(*object_, key);
  if (value == nullptr) return otherwise ? *otherwise : (refuse_missing(where(key)), 0);
  const std::optional<int64_t> number = exact_integer(*value);
  if (!number || *number < min || *number > max) {
    refuse_value(where(key), fmt::format("an integer from {} to {}", min, max), *value);
  }
  return *number;
}

double JsonObject::number(std::string_view key, double min, double max, std::optional<double> otherwise) const {
  const Json* value = find_value(*object_, key);
  if (value == nullptr) return otherwise ? *otherwise : (refuse_missing(where(key)), 0.0);
  const double number = double_of(*value);
  if (!(number >= min && number <= max)) {
    refuse_value(where(key), fmt::format("a number from {} to {}", min, max), *value);
  }
  return number;
}

bool JsonObject::boolean(std::string_view key, std::optional<bool> otherwise) const {
  const Json* value = find_value(*object_, key);
  if (value == nullptr) return otherwise ? *otherwise : (refuse_missing(where(key)), false);
  if (!value->is_boolean()) refuse_value(where(key), "true or false", *value);
  return value->get<bool>();
}

std::string JsonObject::string(std::string_view key, std::optional<std::string> otherwise) const {
  const Json* value = find_value(*object_, key);
  if (value == nullptr) return otherwise ? *std::move(otherwise) : (refuse_missing(where(key)), std::string());
  if (!value->is_string()) refuse_value(where(key), "a string", *value);
  return value->get<std::string>();
}

JsonObject JsonObject::object(std::string_view key) const {
  const Json* value = find_value(*object_, key);
  if (value == nullptr) refuse_missing(where(key));
  return {*value, where(key)};
}

const Json& JsonObject::array(std::string_view key) const {
  const Json* value = find_value(*object_, key);
  if (value == nullptr) refuse_missing(where(key));
  if (!value->is_array()) refuse_value(where(key), "an array", *value);
  return *value;
}

std::string to_text(const Json& value, JsonLayout layout) {
  JsonWriter writer(layout);
  writer.write(value);
  return writer.take();
}

// A colon follows the file, and dots separate the fields.
std::string JsonObject::where(std::string_view key) const {
  const char* separator = where_.find(": ") == std::string::npos ? ": " : ".";
  return where_ + separator + printable(key, 256);
}

}  // namespace moebius::internal
