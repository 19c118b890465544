// JSON as a stream of events, for files that are too large for a tree (a safetensors header of 100 MB) and for the tree
// builder itself. The bounds are enforced here, before a handler sees anything: bytes, depth, length of one token,
// UTF-8, nothing but white space after the value.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "moebius/error.h"

namespace moebius::internal {

// The hint for a file that is not the JSON it should be.
constexpr const char* kBadJsonHint = "the file is damaged or was edited by hand: download it again";

class JsonHandler {
 public:
  virtual ~JsonHandler() = default;

  virtual void begin_object() = 0;
  virtual void end_object() = 0;
  virtual void begin_array() = 0;
  virtual void end_array() = 0;
  virtual void key(std::string&& key) = 0;
  virtual void scalar(Json&& value) = 0;                // null, boolean, number, string or big_integer
  virtual void huge_number(std::string_view text) = 0;  // a number beyond double; must throw

  // The number of bytes of the text read so far. It is just behind the token of the current event, or one byte further
  // when that token is a number.
  [[nodiscard]] uint64_t position() const { return static_cast<uint64_t>(next_ - begin_); }

 private:
  friend class JsonCursor;
  const char* begin_ = nullptr;
  const char* next_ = nullptr;
};

struct JsonSource {
  std::string_view text;
  std::string where;  // the file, for messages
  JsonLimits limits;
  ErrorCode malformed = ErrorCode::kInvalidJson;  // code for text that is not JSON
};

// Parses the text and sends its events to the handler. Throws source.malformed, kJsonDepth, kHeaderTooLarge, and what
// the handler throws.
void parse_json_events(const JsonSource& source, JsonHandler& handler);

}  // namespace moebius::internal
