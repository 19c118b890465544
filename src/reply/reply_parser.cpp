// Decides what is thinking. content_reader.cpp reads the rest, and also what may be calls inside of thinking.
#include "reply/reply_parser.h"

#include <optional>
#include <utility>

#include "base/utf8_repair.h"
#include "reply/content_reader.h"
#include "reply/reply_text.h"

namespace moebius::internal {
namespace {

constexpr ReplyText::Rules kReasoningRules = {ReplyEvent::Kind::kReasoning, "\n"};

bool is_think_tag(Tag tag) { return tag == Tag::kThinkOpen || tag == Tag::kThinkClose; }

}  // namespace

class ReplyParser::Machine {
 public:
  explicit Machine(const ReplyFormat& format)
      : types_(format.tools),
        rules_{format.may_call ? ContentReader::Calls::kAny : ContentReader::Calls::kNone, format.id_prefix, &types_},
        trial_rules_{ContentReader::Calls::kOfTools, format.id_prefix, &types_},
        is_reasoning_(format.starts_in_reasoning) {
    reasoning_.tag();
  }

  std::vector<ReplyEvent> feed(std::string_view text);
  std::vector<ReplyEvent> feed_tag(Tag tag);
  std::vector<ReplyEvent> finish(ReplyEnd end);

  [[nodiscard]] bool has_calls() const { return events_.calls() > 0; }
  [[nodiscard]] uint64_t steps() const { return lexer_.steps() + steps_; }

 private:
  // What may be calls at the end of a reply whose thinking was never closed. It is read as content, apart from the
  // reply, and its text is kept in case that it is thinking after all.
  struct Trial {
    Trial(const ContentReader::Rules& rules, int first_call) : events(first_call), reader(rules, events) {}

    EventList events;
    ContentReader reader;
    std::string text;
  };

  [[nodiscard]] Tags tags() const;
  void lex(std::string_view text);
  void handle(Lexeme lexeme);
  // The functions that parse return whether the lexeme is used up.
  bool parse(Lexeme& lexeme);
  bool parse_reasoning(const Lexeme& lexeme);
  bool parse_trial(const Lexeme& lexeme);
  bool parse_content(Lexeme& lexeme);
  bool parse_think_tag(const Lexeme& lexeme);
  [[nodiscard]] bool begins_trial(const Lexeme& lexeme) const;
  [[nodiscard]] bool begins_reasoning(const Lexeme& lexeme);
  void flush_lexer();
  void give_up_trial();
  void finish_trial(ReplyEnd end);

  ToolTypes types_;
  ContentReader::Rules rules_;
  ContentReader::Rules trial_rules_;
  EventList events_;
  Utf8Repair utf8_;
  TagLexer lexer_;
  ReplyText reasoning_{kReasoningRules, events_};
  ContentReader content_{rules_, events_};
  std::optional<Trial> trial_;
  bool is_reasoning_ = false;
  bool has_thought_ = false;  // a </think> was seen
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

std::vector<ReplyEvent> ReplyParser::Machine::finish(ReplyEnd end) {
  lex(utf8_.finish());
  flush_lexer();
  if (trial_) finish_trial(end);
  reasoning_.finish();
  content_.finish(end);
  return events_.take();
}

void ReplyParser::Machine::flush_lexer() {
  std::optional<Lexeme> held = lexer_.flush();
  if (!held) return;
  const ContentReader* reader = trial_ ? &trial_->reader : is_reasoning_ ? nullptr : &content_;
  if (reader == nullptr || !reader->drops_at_end(*held)) {
    handle(*std::move(held));
  } else if (trial_) {
    trial_->text += held->text;
  }
}

Tags ReplyParser::Machine::tags() const {
  if (trial_) return trial_->reader.tags() | Tags::kThink;
  if (!is_reasoning_) return content_.tags();
  return rules_.calls == ContentReader::Calls::kNone ? Tags::kThink : Tags::kThink | Tags::kCall | Tags::kFunction;
}

void ReplyParser::Machine::lex(std::string_view text) {
  while (std::optional<Lexeme> lexeme = lexer_.next(text, tags())) handle(*std::move(lexeme));
}

void ReplyParser::Machine::handle(Lexeme lexeme) {
  do steps_ += lexeme.text.size();
  while (!parse(lexeme));
}

bool ReplyParser::Machine::parse(Lexeme& lexeme) {
  if (trial_) return parse_trial(lexeme);
  return is_reasoning_ ? parse_reasoning(lexeme) : parse_content(lexeme);
}

// A <think> at the front of the reasoning repeats the one of the prompt.
bool ReplyParser::Machine::parse_reasoning(const Lexeme& lexeme) {
  if (begins_trial(lexeme)) {
    trial_.emplace(trial_rules_, events_.calls());
    return false;
  }
  if (lexeme.tag == Tag::kThinkClose) {
    reasoning_.tag();
    content_.text().tag();
    has_thought_ = true;
    is_reasoning_ = false;
  } else if (lexeme.tag != Tag::kThinkOpen || !reasoning_.is_empty()) {
    reasoning_.add(lexeme.text);
  }
  return true;
}

bool ReplyParser::Machine::begins_trial(const Lexeme& lexeme) const {
  if (rules_.calls == ContentReader::Calls::kNone) return false;
  return lexeme.tag == Tag::kCallOpen || (lexeme.tag == Tag::kFunctionOpen && types_.knows(lexeme.name));
}

bool ReplyParser::Machine::parse_trial(const Lexeme& lexeme) {
  if (lexeme.tag != Tag::kThinkClose) {
    Lexeme left = lexeme;
    do steps_ += left.text.size();
    while (!trial_->reader.parse(left));
    if (trial_->reader.has_only_calls()) {
      trial_->text += lexeme.text;
      return true;
    }
  }
  give_up_trial();
  return false;
}

void ReplyParser::Machine::give_up_trial() {
  reasoning_.add(trial_->text);
  trial_.reset();
}

void ReplyParser::Machine::finish_trial(ReplyEnd end) {
  trial_->reader.finish(end);
  if (trial_->events.whole_calls() == 0) return give_up_trial();
  reasoning_.tag();
  events_.append(std::move(trial_->events));
}

bool ReplyParser::Machine::parse_content(Lexeme& lexeme) {
  if (is_think_tag(lexeme.tag) && content_.is_in_text() && parse_think_tag(lexeme)) return true;
  return content_.parse(lexeme);
}

// Returns whether the tag is one here. When it is not, it is text.
bool ReplyParser::Machine::parse_think_tag(const Lexeme& lexeme) {
  if (lexeme.tag == Tag::kThinkOpen) {
    if (!begins_reasoning(lexeme)) return false;
    is_reasoning_ = true;
  } else {  // without a <think>: the prompt was not known to end in one, or the tag is quoted
    if (!lexeme.certain && (has_thought_ || !content_.text().is_at_line_start())) return false;
    has_thought_ = true;
  }
  content_.text().tag();
  return true;
}

bool ReplyParser::Machine::begins_reasoning(const Lexeme& lexeme) {
  return lexeme.certain || (!has_thought_ && content_.text().is_empty() && !has_calls());
}

ReplyParser::ReplyParser(const ReplyFormat& format) : machine_(std::make_unique<Machine>(format)) {}
ReplyParser::ReplyParser(ReplyParser&&) noexcept = default;
ReplyParser& ReplyParser::operator=(ReplyParser&&) noexcept = default;
ReplyParser::~ReplyParser() = default;

std::vector<ReplyEvent> ReplyParser::feed(std::string_view text) { return machine_->feed(text); }
std::vector<ReplyEvent> ReplyParser::feed_tag(Tag tag) { return machine_->feed_tag(tag); }
std::vector<ReplyEvent> ReplyParser::finish(ReplyEnd end) { return machine_->finish(end); }
bool ReplyParser::has_calls() const { return machine_->has_calls(); }
uint64_t ReplyParser::steps() const { return machine_->steps(); }

Reply parse_reply(const ReplyFormat& format, std::string_view text, ReplyEnd end) {
  ReplyParser parser(format);
  Reply reply;
  fold(reply, parser.feed(text));
  fold(reply, parser.finish(end));
  return reply;
}

}  // namespace moebius::internal
