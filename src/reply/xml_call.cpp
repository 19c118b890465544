// Decides where a value ends. Seen in the wild: </parameter> inside a value, closing tags that are missing or doubled,
// and files about tool calls written by a tool call. Closing tags are therefore only collected, in their order
// </parameter> </function> </tool_call>. Any may be missing, any may come again. A tag out of order makes those before
// it text. The next thing that is no blank decides:
//   <parameter=NAME>                  the value ends before the tags, or here when there are none
//   <tool_call>, <function=A TOOL>    the call ends before the tags; without tags, the value quotes a call
//   end of the reply                  the value and the call end
//   other text                        after tags of two kinds, or a </tool_call> known by its token, the call has
//                                     ended; tags of a single kind were text
// While a value quotes a call, an end needs a </parameter> before what confirms it, and text never confirms one.
#include "reply/xml_call.h"

#include <algorithm>
#include <utility>

namespace moebius::internal {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

int rank(Tag tag) { return tag == Tag::kParameterClose ? 1 : tag == Tag::kFunctionClose ? 2 : 3; }

}  // namespace

void XmlCall::begin(const std::string& function) {
  function_ = function;
  has_stray_text_ = false;
  writer_.begin();
}

XmlCall::Progress XmlCall::parse(Lexeme& lexeme) {
  if (!is_in_value_) return parse_outside(lexeme);
  switch (lexeme.tag) {
    case Tag::kParameterClose:
    case Tag::kFunctionClose:
    case Tag::kCallClose:
      parse_closer(lexeme);
      return Progress::kContinues;
    case Tag::kParameterOpen:
      parse_parameter(lexeme);
      return Progress::kContinues;
    case Tag::kFunctionOpen:
    case Tag::kCallOpen:
      return parse_call(lexeme);
    default:
      return parse_text(lexeme);
  }
}

// Reads between parameters. What is no tag of the call is dropped, because there is no place for it in the arguments.
XmlCall::Progress XmlCall::parse_outside(const Lexeme& lexeme) {
  switch (lexeme.tag) {
    case Tag::kParameterOpen:
      open_parameter(lexeme);
      return Progress::kContinues;
    case Tag::kFunctionClose:
    case Tag::kCallClose:
      return end(Progress::kEnded);
    case Tag::kFunctionOpen:
    case Tag::kCallOpen:
      return end(Progress::kEndedBefore);
    case Tag::kParameterClose:
      return Progress::kContinues;
    default:
      has_stray_text_ |= lexeme.text.find_first_not_of(kBlanks) != std::string::npos;
      return Progress::kContinues;
  }
}

void XmlCall::open_parameter(const Lexeme& lexeme) {
  is_in_value_ = true;
  writer_.open(lexeme.name, types_->type_of(function_, lexeme.name));
}

XmlCall::Progress XmlCall::parse_text(Lexeme& lexeme) {
  if (!is_closing()) {
    writer_.add(lexeme.text);
    return Progress::kContinues;
  }
  const size_t blanks = std::min(lexeme.text.find_first_not_of(kBlanks), lexeme.text.size());
  closing_.text.append(lexeme.text, 0, blanks);
  if (blanks == lexeme.text.size()) return Progress::kContinues;
  if (!is_quoting_ && (closing_.kinds >= 2 || closing_.is_certain)) {
    lexeme.text.replace(0, blanks, closing_.text, closing_.tags_end);
    return end(Progress::kEndedBefore);
  }
  reopen();
  writer_.add(std::string_view(lexeme.text).substr(blanks));
  return Progress::kContinues;
}

void XmlCall::parse_closer(const Lexeme& lexeme) {
  if (is_closing() && rank(lexeme.tag) < rank(closing_.last)) reopen();
  if (!is_closing()) closing_.has_parameter = lexeme.tag == Tag::kParameterClose;
  if (!is_closing() || lexeme.tag != closing_.last) ++closing_.kinds;
  closing_.text += lexeme.text;
  closing_.tags_end = closing_.text.size();
  closing_.last = lexeme.tag;
  closing_.is_certain |= lexeme.certain;
}

void XmlCall::parse_parameter(const Lexeme& lexeme) {
  if (is_quoting_ && !closing_.has_parameter) {
    reopen();
    writer_.add(lexeme.text);
    return;
  }
  end_value();
  open_parameter(lexeme);
}

XmlCall::Progress XmlCall::parse_call(Lexeme& lexeme) {
  const bool is_call = lexeme.tag == Tag::kCallOpen || types_->knows(lexeme.name);
  if (is_call && is_closing() && (closing_.has_parameter || !is_quoting_)) return end(Progress::kEndedBefore);
  reopen();
  is_quoting_ = true;
  writer_.add(lexeme.text);
  return Progress::kContinues;
}

// Takes the closing tags for text after all.
void XmlCall::reopen() {
  const Closing closing = std::exchange(closing_, {});
  if (closing.kinds > 0 && closing.last != Tag::kParameterClose) is_quoting_ = false;
  writer_.add(closing.text);
}

void XmlCall::end_value() {
  closing_ = {};
  is_in_value_ = false;
  is_quoting_ = false;
  writer_.close();
}

XmlCall::Progress XmlCall::end(Progress progress) {
  if (is_in_value_) end_value();
  writer_.finish();
  return progress;
}

bool XmlCall::has_end() const {
  return is_closing() && closing_.last != Tag::kParameterClose && (closing_.has_parameter || !is_quoting_);
}

void XmlCall::finish() { end(Progress::kEnded); }

}  // namespace moebius::internal
