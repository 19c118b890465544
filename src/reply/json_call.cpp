// Follows brackets and strings byte by byte, so that a </tool_call> inside a string is text and a brace inside one
// counts for nothing. The JSON parser decides whether the object is JSON, once, when it is whole.
#include "reply/json_call.h"

#include <utility>

#include "base/json.h"
#include "base/json_events.h"
#include "reply/cut_json.h"

namespace moebius::internal {
namespace {

constexpr const char* kWhere = "tool call";

// Finds the text of a member that is an object. It goes to the client with its own spelling of numbers and its spaces.
class MemberFinder : public JsonHandler {
 public:
  explicit MemberFinder(std::string_view member) : member_(member) {}

  void begin_object() override {
    if (depth_++ == 1 && is_member_) begin_ = position() - 1;
  }
  void end_object() override {
    if (--depth_ == 1 && is_member_) end_ = position();
  }
  void begin_array() override { ++depth_; }
  void end_array() override { --depth_; }
  void key(std::string&& key) override {
    if (depth_ == 1) is_member_ = key == member_;
  }
  void scalar(Json&& /*value*/) override {}
  void huge_number(std::string_view /*text*/) override { throw Error(ErrorCode::kInvalidJson, kWhere, "huge number"); }

  [[nodiscard]] std::string_view find_in(std::string_view json) const { return json.substr(begin_, end_ - begin_); }

 private:
  std::string_view member_;
  int depth_ = 0;
  bool is_member_ = false;
  size_t begin_ = 0;
  size_t end_ = 0;
};

std::string arguments_of(const Json& call, std::string_view json) {
  for (const char* member : {"arguments", "parameters"}) {
    const auto found = call.find(member);
    if (found == call.end() || found->is_null()) continue;
    if (found->is_object()) {
      MemberFinder finder(member);
      parse_json_events({json, kWhere, {}, ErrorCode::kInvalidJson}, finder);
      return std::string(finder.find_in(json));
    }
    std::string text = JsonObject(call, kWhere).string(member);
    if (!parse_json(text, kWhere).is_object()) throw Error(ErrorCode::kInvalidJson, kWhere, "no arguments");
    return text;
  }
  return "{}";
}

bool may_stand_outside_strings(char c) {
  return std::string_view("{}[]:,+-.0123456789eEtrufalsn \t\r\n\"").find(c) != std::string_view::npos;
}

}  // namespace

std::optional<JsonCall> json_call_of(std::string_view json) {
  try {
    const Json call = parse_json(json, kWhere);
    std::string name = JsonObject(call, kWhere).string("name");
    if (name.empty()) return std::nullopt;
    return JsonCall{std::move(name), arguments_of(call, json)};
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::optional<JsonCall> cut_json_call_of(std::string_view json) {
  const CutJson cut(json);
  // The string at the cut may end inside an escape, which has up to twelve bytes: a pair of surrogates.
  constexpr size_t kMaxDropped = 11;
  for (size_t dropped = 0; dropped <= kMaxDropped; ++dropped) {
    const std::optional<std::string> closed = cut.closed_in_string(dropped);
    if (!closed) break;
    if (auto call = json_call_of(*closed)) return call;
  }
  return json_call_of(cut.closed());
}

void JsonBlock::begin(std::string opening) {
  *this = {};
  object_begin_ = opening.size();
  text_ = std::move(opening);
}

JsonBlock::Progress JsonBlock::parse(Lexeme& lexeme) {
  if (lexeme.tag == Tag::kCallClose) {
    if (lexeme.certain || !is_in_string_) return stop_at(lexeme, lexeme.text.size(), Progress::kBrokenOver);
    has_close_in_string_ = true;
  }
  for (size_t i = 0; i < lexeme.text.size(); ++i) {
    const Step next = step(lexeme.text[i]);
    if (next == Step::kWhole) return stop_at(lexeme, i + 1, Progress::kWhole);
    // A string that was never closed has run over the end of its block.
    const Progress broken = has_close_in_string_ ? Progress::kBrokenOver : Progress::kBroken;
    if (next == Step::kBroken) return stop_at(lexeme, i, broken);
  }
  text_ += lexeme.text;
  return Progress::kContinues;
}

JsonBlock::Step JsonBlock::step(char c) {
  if (is_in_string_) {
    if (static_cast<unsigned char>(c) < 0x20) return Step::kBroken;
    if (!std::exchange(is_escaped_, false)) {
      is_escaped_ = c == '\\';
      is_in_string_ = c != '"';
      has_close_in_string_ &= is_in_string_;
    }
    return Step::kOn;
  }
  if (!may_stand_outside_strings(c)) return Step::kBroken;
  is_in_string_ = c == '"';
  if (c == '{' || c == '[') ++depth_;
  if (c == '}' || c == ']') --depth_;
  return depth_ == 0 ? Step::kWhole : Step::kOn;
}

JsonBlock::Progress JsonBlock::stop_at(Lexeme& lexeme, size_t bytes, Progress progress) {
  text_.append(lexeme.text, 0, bytes);
  lexeme.text.erase(0, bytes);
  if (bytes > 0) lexeme.tag = Tag::kNone;  // what is left of a tag is text
  return progress;
}

}  // namespace moebius::internal
