// The bounds around nlohmann's SAX parser (which keeps its own stack on the heap, so depth costs no machine stack).
#include "base/json_events.h"

#include <fmt/format.h>

#include <iterator>

#include "base/long_integers.h"
#include "base/quote.h"

namespace moebius::internal {
namespace {

// nlohmann buffers the current token twice. A bound on the token bounds that memory, whatever the file's size.
constexpr int64_t kMaxTokenBytes = 4 << 20;

[[noreturn]] void refuse(const JsonSource& source, ErrorCode code, uint64_t at, const std::string& what) {
  throw Error(code, source.where, fmt::format("{} at byte {}", what, at), kBadJsonHint);
}

}  // namespace

// The input iterator that nlohmann reads through. It keeps the handler's position, and stops a token that is too long.
class JsonCursor {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  // Reads from `text`, which is as long as the text of the source.
  JsonCursor(const JsonSource& source, const char* text, JsonHandler& handler, const char** token)
      : source_(&source), handler_(&handler), token_(token), at_(text) {
    handler.begin_ = handler.next_ = *token = at_;
  }
  explicit JsonCursor(const char* end) : at_(end) {}

  reference operator*() const { return *at_; }
  JsonCursor& operator++() {
    handler_->next_ = ++at_;
    if (at_ - *token_ > kMaxTokenBytes) [[unlikely]] {
      refuse(*source_, source_->malformed, handler_->position(),
             fmt::format("a string, number or blank longer than {} bytes", kMaxTokenBytes));
    }
    return *this;
  }
  friend bool operator==(const JsonCursor& a, const JsonCursor& b) { return a.at_ == b.at_; }

 private:
  const JsonSource* source_ = nullptr;
  JsonHandler* handler_ = nullptr;
  const char** token_ = nullptr;  // the beginning of the current token, or of the blank before it
  const char* at_;
};

namespace {

// Implements nlohmann's SAX interface: turns its calls into events and counts levels.
class Sax {
 public:
  Sax(const JsonSource& source, LongIntegers& long_integers, JsonHandler& handler)
      : source_(source), long_integers_(long_integers), handler_(handler) {}

  const char** token() { return &token_; }

  bool null() { return scalar(Json(nullptr)); }
  bool boolean(bool value) { return scalar(Json(value)); }
  bool number_integer(int64_t value) { return scalar(Json(value)); }
  bool number_unsigned(uint64_t value) {
    const auto hidden = long_integers_.take(handler_.position());
    return scalar(hidden ? big_integer(*hidden) : Json(value));
  }
  bool number_float(double value, const std::string& text) {
    const bool is_integer = text.find_first_of(".eE") == std::string::npos;
    return scalar(is_integer ? big_integer(text) : Json(value));
  }
  bool string(std::string& value) { return scalar(Json(std::move(value))); }
  bool binary(Json::binary_t& /*value*/) { return false; }  // JSON text has no binary values

  bool key(std::string& key) {
    handler_.key(std::move(key));
    return next_token();
  }
  bool start_object(size_t /*size*/) {
    descend();
    handler_.begin_object();
    return next_token();
  }
  bool end_object() {
    --depth_;
    handler_.end_object();
    return next_token();
  }
  bool start_array(size_t /*size*/) {
    descend();
    handler_.begin_array();
    return next_token();
  }
  bool end_array() {
    --depth_;
    handler_.end_array();
    return next_token();
  }

  bool parse_error(size_t position, const std::string& last_token, const nlohmann::detail::exception& problem) {
    constexpr int kNumberOverflow = 406;
    if (problem.id == kNumberOverflow) handler_.huge_number(last_token);
    const uint64_t at = position == 0 ? 0 : position - 1;
    const bool utf8 = std::string_view(problem.what()).find("UTF-8") != std::string_view::npos;
    if (utf8) refuse(source_, source_.malformed, at, "invalid UTF-8");
    if (at >= source_.text.size()) refuse(source_, source_.malformed, at, "the JSON text ends early");
    refuse(source_, source_.malformed, at, "not JSON: unexpected " + in_quotes(source_.text.substr(at, 16)));
  }

 private:
  bool scalar(Json&& value) {
    handler_.scalar(std::move(value));
    return next_token();
  }
  bool next_token() {
    token_ = long_integers_.visible().data() + handler_.position();
    return true;
  }
  void descend() {
    if (++depth_ > source_.limits.max_depth) {
      refuse(source_, ErrorCode::kJsonDepth, handler_.position() - 1,
             fmt::format("nested deeper than {} levels", source_.limits.max_depth));
    }
  }

  const JsonSource& source_;
  LongIntegers& long_integers_;
  JsonHandler& handler_;
  const char* token_ = nullptr;
  int depth_ = 0;
};

}  // namespace

void parse_json_events(const JsonSource& source, JsonHandler& handler) {
  const std::string_view text = source.text;
  if (text.size() > source.limits.max_bytes) {
    throw Error(ErrorCode::kHeaderTooLarge, source.where,
                fmt::format("{} bytes of JSON, at most {} are read", text.size(), source.limits.max_bytes),
                kBadJsonHint);
  }
  // nlohmann skips a byte order mark and takes a NUL for the end of the text, so that bytes after a NUL would go
  // unseen.
  if (text.starts_with("\xef\xbb\xbf")) refuse(source, source.malformed, 0, "a byte order mark before the JSON text");
  if (const size_t nul = text.find('\0'); nul != text.npos) refuse(source, source.malformed, nul, "a NUL byte");
  LongIntegers long_integers(text);
  const std::string_view visible = long_integers.visible();
  Sax sax(source, long_integers, handler);
  const JsonCursor begin(source, visible.data(), handler, sax.token());
  Json::sax_parse(begin, JsonCursor(visible.data() + visible.size()), &sax);
}

}  // namespace moebius::internal
