// The states outside of thinking. A state takes a lexeme, or it changes the state and leaves the lexeme, or the rest of
// it, to the next one.
#include "reply/content_reader.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace moebius::internal {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

bool is_blank(std::string_view text) { return text.find_first_not_of(kBlanks) == text.npos; }

}  // namespace

Tags ContentReader::tags() const {
  if (rules_->calls == Calls::kNone) return Tags::kThink;
  switch (state_) {
    case State::kXmlCall:
      return Tags::kCall | Tags::kFunction | Tags::kEnds;
    case State::kJsonCall:
      return Tags::kCall;
    case State::kBehindCall:
      return Tags::kThink | Tags::kCall | Tags::kFunction | Tags::kEnds;
    default:
      return Tags::kThink | Tags::kCall | Tags::kFunction;
  }
}

bool ContentReader::parse(Lexeme& lexeme) {
  switch (state_) {
    case State::kText:
      return parse_text(lexeme);
    case State::kOpened:
      return parse_opened(lexeme);
    case State::kBare:
      return parse_bare(lexeme);
    case State::kXmlCall:
      return parse_xml(lexeme);
    case State::kJsonCall:
      return parse_json(lexeme);
    case State::kBehindCall:
      return parse_behind(lexeme);
  }
  return true;
}

bool ContentReader::parse_text(const Lexeme& lexeme) {
  if (rules_->calls == Calls::kNone || !parse_tag_in_text(lexeme)) text_.add(lexeme.text);
  return true;
}

// Returns whether the tag is one here. When it is not, it is text.
bool ContentReader::parse_tag_in_text(const Lexeme& lexeme) {
  switch (lexeme.tag) {
    case Tag::kCallOpen:
      state_ = State::kOpened;
      break;
    case Tag::kFunctionOpen:
      if (!rules_->types->knows(lexeme.name)) return false;
      bare_name_ = lexeme.name;
      state_ = State::kBare;
      break;
    case Tag::kCallClose:
      if (!is_orphan(lexeme)) {
        if (open_tags_ > 0) --open_tags_;
        return false;
      }
      text_.tag();
      return true;
    default:
      return false;
  }
  opening_ = lexeme.text;
  return true;
}

// Tells whether a </tool_call> ends a call that never began. It does when the model wrote it as one token, at the
// beginning of a line as templates do. Anywhere else it is quoted, as it is behind a <tool_call> that was.
bool ContentReader::is_orphan(const Lexeme& call_close) const {
  return open_tags_ == 0 && call_close.certain && text_.is_at_line_start();
}

bool ContentReader::may_call(std::string_view tool) const {
  return rules_->calls == Calls::kAny || rules_->types->knows(tool);
}

bool ContentReader::parse_opened(Lexeme& lexeme) {
  if (parse_blanks(lexeme)) return true;
  if (lexeme.tag == Tag::kFunctionOpen && may_call(lexeme.name)) {
    start_xml(lexeme.name);
    return true;
  }
  if (lexeme.text.starts_with('{')) {
    json_.begin(std::exchange(opening_, {}));
    state_ = State::kJsonCall;
  } else {
    restore_text(opening_, 1);
  }
  return false;
}

bool ContentReader::parse_bare(Lexeme& lexeme) {
  if (parse_blanks(lexeme)) return true;
  if (lexeme.tag == Tag::kParameterOpen || lexeme.tag == Tag::kFunctionClose) {
    start_xml(bare_name_);
  } else {
    restore_text(opening_, 0);
  }
  return false;
}

// Adds the blanks to what is held back. Returns whether the lexeme had nothing else.
bool ContentReader::parse_blanks(Lexeme& lexeme) {
  const size_t blanks = std::min(lexeme.text.find_first_not_of(kBlanks), lexeme.text.size());
  opening_.append(lexeme.text, 0, blanks);
  lexeme.text.erase(0, blanks);
  return lexeme.text.empty();
}

bool ContentReader::parse_xml(Lexeme& lexeme) {
  const XmlCall::Progress progress = xml_.parse(lexeme);
  if (progress == XmlCall::Progress::kContinues) return true;
  events_->finish_call();
  end_call();
  return progress == XmlCall::Progress::kEnded;
}

bool ContentReader::parse_json(Lexeme& lexeme) {
  const JsonBlock::Progress progress = json_.parse(lexeme);
  if (progress == JsonBlock::Progress::kContinues) return true;
  const auto call = progress == JsonBlock::Progress::kWhole ? json_call_of(json_.object()) : std::nullopt;
  if (call && may_call(call->name)) {
    start_call(call->name);
    events_->arguments(call->arguments);
    events_->finish_call();
    end_call();
  } else {
    restore_text(json_.text(), progress == JsonBlock::Progress::kBrokenOver ? 0 : 1);
  }
  return lexeme.text.empty();
}

bool ContentReader::parse_behind(const Lexeme& lexeme) {
  switch (lexeme.tag) {
    case Tag::kParameterClose:
    case Tag::kFunctionClose:
    case Tag::kCallClose:
      text_.tag();
      return true;
    case Tag::kNone:
      if (!is_blank(lexeme.text)) break;
      text_.add(lexeme.text);
      return true;
    default:
      break;
  }
  state_ = State::kText;
  return false;
}

void ContentReader::start_call(const std::string& name) {
  open_tags_ = 0;
  text_.tag();
  events_->start_call(rules_->id_prefix + std::to_string(events_->calls()), name);
}

void ContentReader::start_xml(const std::string& name) {
  start_call(name);
  xml_.begin(name);
  state_ = State::kXmlCall;
}

void ContentReader::end_call() {
  text_.tag();
  state_ = State::kBehindCall;
}

// Gives what looked like a call to the text. open_tags: how many <tool_call>s it has that are not closed in it.
void ContentReader::restore_text(std::string_view text, int open_tags) {
  text_.add(text);
  open_tags_ += open_tags;
  state_ = State::kText;
}

bool ContentReader::drops_at_end(const Lexeme& held) const {
  const bool is_part_of_tag = held.tag == Tag::kNone && held.text.size() > std::string_view("</").size();
  const bool may_be_part = held.tag == Tag::kNone && state_ == State::kXmlCall && xml_.is_closing();
  return may_be_part || (is_part_of_tag && (state_ == State::kXmlCall || state_ == State::kBehindCall));
}

void ContentReader::finish(ReplyEnd end) {
  if (state_ == State::kOpened || state_ == State::kBare) restore_text(opening_, 0);
  if (state_ == State::kXmlCall) {
    const bool is_whole = end == ReplyEnd::kByModel || xml_.has_end();
    xml_.finish();
    if (is_whole) events_->finish_call();
    end_call();
  }
  if (state_ == State::kJsonCall) finish_json(end);
  text_.finish();
}

// An object that the model itself left open is none.
void ContentReader::finish_json(ReplyEnd end) {
  const auto call = end == ReplyEnd::kCut ? cut_json_call_of(json_.object()) : std::nullopt;
  if (call && may_call(call->name)) {
    start_call(call->name);
    events_->arguments(call->arguments);
    end_call();
  } else {
    restore_text(json_.text(), 0);
  }
}

}  // namespace moebius::internal
