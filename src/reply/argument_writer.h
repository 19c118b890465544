// Turns the raw values of an XML call into the pieces of one JSON object. Text is streamed as it comes; what has
// another type waits until it is whole. Where a value begins and ends is not decided here (xml_call.h).
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "reply/reply_event.h"
#include "reply/tool_schema.h"

namespace moebius::internal {

class ArgumentWriter {
 public:
  explicit ArgumentWriter(EventList& events) : events_(&events) {}

  void begin();  // the arguments of the next call
  // A parameter that was given before is read and dropped: its first value may be at the client already.
  void open(const std::string& name, const ParameterType& type);
  // The text between the tags: one line break at its front and one at its end are syntax, all else is the value.
  void add(std::string_view text);
  void close();
  void finish();

 private:
  void stream();

  EventList* events_;
  std::set<std::string> names_;
  ParameterType type_;
  std::string value_;             // not sent yet
  bool is_repeated_ = false;      // drop this value
  bool is_at_front_ = false;      // nothing of the value was seen
  bool is_newline_held_ = false;  // it may be the one before the closing tag
  bool is_quoted_ = false;        // the opening quote was sent
};

}  // namespace moebius::internal
