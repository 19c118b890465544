// Turns the raw values of an XML call into the pieces of one JSON object. Text is streamed as it comes; a value of
// another type waits until it is whole. xml_call.h decides where a value begins and ends.
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

  void begin();  // begins the arguments of the next call
  // Opens a parameter. One that was given before is read and dropped: its first value may be at the client already.
  void open(const std::string& name, const ParameterType& type);
  // Adds text from between the tags. One line break at its front and one at its end are syntax, all else is the value.
  void add(std::string_view text);
  void close();
  void finish();  // ends the object

 private:
  void stream();

  EventList* events_;
  std::set<std::string> names_;
  ParameterType type_;
  std::string value_;             // the part that is not sent yet
  bool is_repeated_ = false;      // drop this value
  bool is_at_front_ = false;      // nothing of the value was seen
  bool is_newline_held_ = false;  // that line break may be the one before the closing tag
  bool is_quoted_ = false;        // the opening quote was sent
};

}  // namespace moebius::internal
