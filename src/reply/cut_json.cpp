// A pass over the bytes, which must not fail on anything.
#include "reply/cut_json.h"

#include <utility>

namespace moebius::internal {

CutJson::CutJson(std::string_view json) : json_(json) {
  for (size_t at = 0; at < json.size(); ++at) {
    if (is_in_string_) {
      read_in_string(json[at], at);
    } else {
      read_outside(json[at], at);
    }
  }
}

void CutJson::read_in_string(char c, size_t at) {
  if (std::exchange(is_escaped_, false)) return;
  is_escaped_ = c == '\\';
  if (c != '"') return;
  is_in_string_ = false;
  if (!is_key_) whole_ = at + 1;
}

void CutJson::read_outside(char c, size_t at) {
  switch (c) {
    case '"':
      is_in_string_ = true;
      is_key_ = open_.ends_with('}') && !is_behind_colon_;
      string_begin_ = at + 1;
      break;
    case '{':
    case '[':
      open_ += c == '{' ? '}' : ']';
      is_behind_colon_ = false;
      whole_ = at + 1;
      break;
    case '}':
    case ']':
      if (!open_.empty()) open_.pop_back();
      whole_ = at + 1;
      break;
    case ':':
      is_behind_colon_ = true;
      break;
    case ',':
      is_behind_colon_ = false;
      whole_ = at;
      break;
    default:
      break;
  }
}

// Every bracket moves whole_, so what is open at the cut is open at whole_ too.
std::string CutJson::closed() const { return with_brackets(std::string(json_.substr(0, whole_))); }

std::optional<std::string> CutJson::closed_in_string(size_t dropped_bytes) const {
  if (!is_in_string_ || is_key_ || open_.size() < 2 || json_.size() - string_begin_ < dropped_bytes)
    return std::nullopt;
  return with_brackets(std::string(json_.substr(0, json_.size() - dropped_bytes)) + '"');
}

std::string CutJson::with_brackets(std::string text) const { return text.append(open_.rbegin(), open_.rend()); }

}  // namespace moebius::internal
