// Pieces of the JSON object of a call's arguments, spaced as Python's json.dumps does.
#include "reply/argument_writer.h"

#include <utility>

namespace moebius::internal {
namespace {

// Tells whether a value that begins like this may turn out to be null.
bool may_be_null(std::string_view value) {
  constexpr std::string_view kNull = "null";
  return value.size() <= kNull.size() && is_null_word(std::string(value) + std::string(kNull.substr(value.size())));
}

}  // namespace

void ArgumentWriter::begin() { names_.clear(); }

void ArgumentWriter::open(const std::string& name, const ParameterType& type) {
  is_at_front_ = true;
  is_repeated_ = !names_.insert(name).second;
  if (is_repeated_) return;
  type_ = type;
  std::string key = names_.size() == 1 ? "{\"" : ", \"";
  append_escaped(key, name);
  events_->arguments(key + "\": ");
}

void ArgumentWriter::add(std::string_view text) {
  if (is_repeated_ || text.empty()) return;
  if (std::exchange(is_at_front_, false) && text.starts_with('\n')) text.remove_prefix(1);
  if (text.empty()) return;
  if (std::exchange(is_newline_held_, text.ends_with('\n'))) value_ += '\n';
  if (is_newline_held_) text.remove_suffix(1);
  value_ += text;
  if (type_.is_text) stream();
}

void ArgumentWriter::stream() {
  if (!is_quoted_ && (value_.empty() || (type_.is_nullable && may_be_null(value_)))) return;
  std::string piece = is_quoted_ ? "" : "\"";
  is_quoted_ = true;
  append_escaped(piece, std::exchange(value_, {}));
  events_->arguments(piece);
}

void ArgumentWriter::close() {
  is_newline_held_ = false;
  if (is_repeated_) return;
  const std::string value = std::exchange(value_, {});
  events_->arguments(std::exchange(is_quoted_, false) ? "\"" : json_of_value(type_, value));
}

void ArgumentWriter::finish() { events_->arguments(names_.empty() ? "{}" : "}"); }

}  // namespace moebius::internal
