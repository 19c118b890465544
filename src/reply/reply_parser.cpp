// The states of a reply. A state takes a lexeme, or it changes the state and leaves the lexeme, or the rest of it, to
// the next one. xml_call.cpp and json_call.cpp tell what a call looks like inside.
#include "reply/reply_parser.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/utf8_repair.h"
#include "reply/json_call.h"
#include "reply/reply_text.h"
#include "reply/xml_call.h"

namespace moebius::internal {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";
constexpr ReplyText::Rules kReasoningRules = {ReplyEvent::Kind::kReasoning, "\n"};
constexpr ReplyText::Rules kContentRules = {ReplyEvent::Kind::kContent, kBlanks};

}  // namespace

class ReplyParser::Machine {
 public:
  explicit Machine(const ReplyFormat& format)
      : format_(format.tool_format),
        id_prefix_(format.id_prefix),
        types_(format.tools),
        state_(format.starts_in_reasoning ? State::kReasoning : State::kContent) {
    reasoning_.tag();
  }

  std::vector<ReplyEvent> feed(std::string_view text);
  std::vector<ReplyEvent> feed_tag(Tag tag);
  std::vector<ReplyEvent> finish();

  [[nodiscard]] bool has_calls() const { return events_.calls() > 0; }
  [[nodiscard]] uint64_t steps() const { return lexer_.steps() + steps_; }

 private:
  enum class State : uint8_t {
    kReasoning,
    kContent,
    kOpened,  // behind <tool_call>: a call if its beginning follows, otherwise content
    kBare,    // behind <function=A TOOL> without <tool_call>: a call if it goes on as one
    kXmlCall,
    kJsonCall,
  };

  [[nodiscard]] Tags tags() const;
  void lex(std::string_view text);
  void handle(Lexeme lexeme);
  // parse and the functions for the states return whether the lexeme is used up.
  bool parse(Lexeme& lexeme);
  bool parse_reasoning(const Lexeme& lexeme);
  bool parse_content(const Lexeme& lexeme);
  bool parse_opened(Lexeme& lexeme);
  bool parse_bare(Lexeme& lexeme);
  bool parse_xml(Lexeme& lexeme);
  bool parse_json(Lexeme& lexeme);
  bool parse_blanks(Lexeme& lexeme);
  bool parse_tag_in_content(const Lexeme& lexeme);
  [[nodiscard]] bool begins_reasoning(const Lexeme& lexeme) const;
  void start_call(const std::string& name);
  void start_xml(const std::string& name);
  void end_call();
  void restore_text(std::string_view text);
  void finish_state();

  ToolFormat format_;
  std::string id_prefix_;
  ToolTypes types_;
  State state_;
  EventList events_;
  Utf8Repair utf8_;
  TagLexer lexer_;
  ReplyText reasoning_{kReasoningRules, events_};
  ReplyText content_{kContentRules, events_};
  XmlCall xml_{types_, events_};
  JsonBlock json_;
  std::string opening_;        // what kOpened and kBare hold back
  std::string bare_name_;      // the function of kBare
  bool has_thought_ = false;   // a </think> was seen
  bool is_raw_block_ = false;  // inside a block that was no call: its </tool_call> is content too
  uint64_t steps_ = 0;
};

std::vector<ReplyEvent> ReplyParser::Machine::feed(std::string_view text) {
  lex(utf8_.feed(text));
  return events_.take();
}

std::vector<ReplyEvent> ReplyParser::Machine::feed_tag(Tag tag) {
  lex(utf8_.finish());
  if (std::optional<Lexeme> held = lexer_.flush()) handle(*std::move(held));
  handle({.tag = tag, .text = std::string(text_of(tag)), .name = {}, .certain = true});
  return events_.take();
}

std::vector<ReplyEvent> ReplyParser::Machine::finish() {
  lex(utf8_.finish());
  const bool is_part_of_tag = lexer_.holds_part_of_tag();
  if (std::optional<Lexeme> held = lexer_.flush()) {
    // A call that was cut off in a tag has no use for that part of a tag.
    const bool is_dropped =
        state_ == State::kXmlCall && held->tag == Tag::kNone && (is_part_of_tag || xml_.is_closing());
    if (!is_dropped) handle(*std::move(held));
  }
  finish_state();
  reasoning_.finish();
  content_.finish();
  return events_.take();
}

void ReplyParser::Machine::finish_state() {
  if (state_ == State::kOpened || state_ == State::kBare) restore_text(opening_);
  if (state_ == State::kXmlCall) {
    xml_.finish();
    end_call();
  }
  if (state_ == State::kJsonCall) restore_text(json_.text());
}

Tags ReplyParser::Machine::tags() const {
  if (state_ == State::kReasoning || format_ == ToolFormat::kNone) return Tags::kThink;
  if (state_ == State::kXmlCall) return Tags::kXmlCall;
  if (state_ == State::kJsonCall) return Tags::kJson;
  return format_ == ToolFormat::kQwenXml ? Tags::kXml : Tags::kContent;
}

void ReplyParser::Machine::lex(std::string_view text) {
  while (std::optional<Lexeme> lexeme = lexer_.next(text, tags())) handle(*std::move(lexeme));
}

void ReplyParser::Machine::handle(Lexeme lexeme) {
  do steps_ += lexeme.text.size();
  while (!parse(lexeme));
}

bool ReplyParser::Machine::parse(Lexeme& lexeme) {
  switch (state_) {
    case State::kReasoning:
      return parse_reasoning(lexeme);
    case State::kContent:
      return parse_content(lexeme);
    case State::kOpened:
      return parse_opened(lexeme);
    case State::kBare:
      return parse_bare(lexeme);
    case State::kXmlCall:
      return parse_xml(lexeme);
    case State::kJsonCall:
      return parse_json(lexeme);
  }
  return true;
}

// Only </think> leaves the reasoning, because a call that is quoted there must not be made. A <think> at its front
// repeats the one of the prompt.
bool ReplyParser::Machine::parse_reasoning(const Lexeme& lexeme) {
  if (lexeme.tag == Tag::kThinkClose) {
    reasoning_.tag();
    content_.tag();
    has_thought_ = true;
    state_ = State::kContent;
  } else if (lexeme.tag != Tag::kThinkOpen || !reasoning_.is_empty()) {
    reasoning_.add(lexeme.text);
  }
  return true;
}

bool ReplyParser::Machine::parse_content(const Lexeme& lexeme) {
  if (lexeme.tag == Tag::kNone || !parse_tag_in_content(lexeme)) content_.add(lexeme.text);
  return true;
}

// Returns whether the tag is one here. When it is not, it is text.
bool ReplyParser::Machine::parse_tag_in_content(const Lexeme& lexeme) {
  const bool may_call = format_ != ToolFormat::kNone;
  switch (lexeme.tag) {
    case Tag::kThinkOpen:
      if (!begins_reasoning(lexeme)) return false;
      state_ = State::kReasoning;
      break;
    case Tag::kThinkClose:  // without a <think>: the prompt was not known to end in one, or the tag is quoted
      if (!lexeme.certain && (has_thought_ || !content_.is_at_line_start())) return false;
      has_thought_ = true;
      break;
    case Tag::kCallOpen:
      if (!may_call) return false;
      opening_ = lexeme.text;
      state_ = State::kOpened;
      return true;
    case Tag::kCallClose:  // the end of a call that ended before, or never began
      if (!may_call || std::exchange(is_raw_block_, false)) return false;
      if (!lexeme.certain && !content_.is_beside_tag()) return false;
      break;
    case Tag::kFunctionOpen:
      if (!types_.knows(lexeme.name)) return false;
      opening_ = lexeme.text;
      bare_name_ = lexeme.name;
      state_ = State::kBare;
      return true;
    default:
      return false;
  }
  content_.tag();
  return true;
}

bool ReplyParser::Machine::begins_reasoning(const Lexeme& lexeme) const {
  return lexeme.certain || (!has_thought_ && content_.is_empty() && !has_calls());
}

bool ReplyParser::Machine::parse_opened(Lexeme& lexeme) {
  if (parse_blanks(lexeme)) return true;
  if (format_ == ToolFormat::kQwenXml && lexeme.tag == Tag::kFunctionOpen) {
    start_xml(lexeme.name);
    return true;
  }
  if (format_ == ToolFormat::kHermesJson && lexeme.text.starts_with('{')) {
    json_.begin(std::exchange(opening_, {}));
    state_ = State::kJsonCall;
  } else {
    restore_text(opening_);
  }
  return false;
}

bool ReplyParser::Machine::parse_bare(Lexeme& lexeme) {
  if (parse_blanks(lexeme)) return true;
  if (lexeme.tag == Tag::kParameterOpen || lexeme.tag == Tag::kFunctionClose) {
    start_xml(bare_name_);
  } else {
    restore_text(opening_);
  }
  return false;
}

// Adds the blanks to what is held back. Returns whether the lexeme had nothing else.
bool ReplyParser::Machine::parse_blanks(Lexeme& lexeme) {
  const size_t blanks = std::min(lexeme.text.find_first_not_of(kBlanks), lexeme.text.size());
  opening_.append(lexeme.text, 0, blanks);
  lexeme.text.erase(0, blanks);
  return lexeme.text.empty();
}

bool ReplyParser::Machine::parse_xml(Lexeme& lexeme) {
  const XmlCall::Progress progress = xml_.parse(lexeme);
  if (progress != XmlCall::Progress::kContinues) end_call();
  return progress != XmlCall::Progress::kEndedBefore;
}

bool ReplyParser::Machine::parse_json(Lexeme& lexeme) {
  const JsonBlock::Progress progress = json_.parse(lexeme);
  if (progress == JsonBlock::Progress::kContinues) return true;
  const bool is_whole = progress == JsonBlock::Progress::kWhole;
  if (const auto call = is_whole ? json_call_of(json_.object()) : std::nullopt) {
    start_call(call->name);
    events_.arguments(call->arguments);
    events_.finish_call();
    end_call();
  } else {
    restore_text(json_.text());
    is_raw_block_ = progress != JsonBlock::Progress::kBrokenOver;
  }
  return lexeme.text.empty();
}

void ReplyParser::Machine::start_call(const std::string& name) {
  is_raw_block_ = false;
  content_.tag();
  events_.start_call(id_prefix_ + std::to_string(events_.calls()), name);
}

void ReplyParser::Machine::start_xml(const std::string& name) {
  start_call(name);
  xml_.begin(name);
  state_ = State::kXmlCall;
}

void ReplyParser::Machine::end_call() {
  content_.tag();
  state_ = State::kContent;
}

// Gives what looked like a call to the content.
void ReplyParser::Machine::restore_text(std::string_view text) {
  content_.add(text);
  state_ = State::kContent;
}

ReplyParser::ReplyParser(const ReplyFormat& format) : machine_(std::make_unique<Machine>(format)) {}
ReplyParser::ReplyParser(ReplyParser&&) noexcept = default;
ReplyParser& ReplyParser::operator=(ReplyParser&&) noexcept = default;
ReplyParser::~ReplyParser() = default;

std::vector<ReplyEvent> ReplyParser::feed(std::string_view text) { return machine_->feed(text); }
std::vector<ReplyEvent> ReplyParser::feed_tag(Tag tag) { return machine_->feed_tag(tag); }
std::vector<ReplyEvent> ReplyParser::finish() { return machine_->finish(); }
bool ReplyParser::has_calls() const { return machine_->has_calls(); }
uint64_t ReplyParser::steps() const { return machine_->steps(); }

Reply parse_reply(const ReplyFormat& format, std::string_view text) {
  ReplyParser parser(format);
  Reply reply;
  fold(reply, parser.feed(text));
  fold(reply, parser.finish());
  return reply;
}

}  // namespace moebius::internal
