// JSON that was cut off, and what makes it whole again. It is followed by its brackets and strings, as json_call.h
// does; the JSON parser decides whether the rest of it is JSON.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace moebius::internal {

class CutJson {
 public:
  // `json` is the beginning of an object or a list. It must outlive this object.
  explicit CutJson(std::string_view json);

  // Closes the brackets behind the last value that is whole. A number at the cut may go on, so it is not.
  [[nodiscard]] std::string closed() const;
  // Closes the string value that is cut, without its last bytes, and the brackets. Returns none when no such string is
  // inside of at least two brackets: one that stands in the outermost object may be the name of a tool.
  [[nodiscard]] std::optional<std::string> closed_in_string(size_t dropped_bytes) const;

 private:
  void read_in_string(char c, size_t at);
  void read_outside(char c, size_t at);
  [[nodiscard]] std::string with_brackets(std::string text) const;

  std::string_view json_;
  std::string open_;  // the brackets that would close what is open, outermost first
  size_t whole_ = 0;  // bytes up to the end of the last whole value, or of the last bracket
  size_t string_begin_ = 0;
  bool is_in_string_ = false;
  bool is_escaped_ = false;
  bool is_key_ = false;
  bool is_behind_colon_ = false;
};

}  // namespace moebius::internal
