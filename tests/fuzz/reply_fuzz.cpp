// The input is a reply. The first byte chooses the format, the rest is the text. The target parses it whole and in
// pieces. Bytes that UTF-8 never uses stand for tags as tokens, and for pieces of calls, which chance would take long
// to spell.
#include "base/quote.h"
#include "only_error.h"
#include "reply/reply_parser.h"

using namespace moebius;
using namespace moebius::internal;

namespace {

constexpr std::string_view kTools = R"([{"name": "f", "parameters": {"properties": {
  "s": {"type": "string"}, "n": {"type": ["string", "null"]}, "i": {"type": "integer"}, "x": {"type": "number"},
  "b": {"type": "boolean"}, "a": {"type": "array"}, "u": {}}}}])";

// The texts that the bytes from 0xf8 on stand for.
constexpr std::string_view kPieces[] = {
    "<tool_call>\n<function=f>\n", "<parameter=s>\n", "\n<parameter=a>", "</parameter>\n",
    "</parameter>\n</function>\n", "<function=f>",    "</function>",     "</tool_call>",
};
static_assert(std::size(kPieces) == 8);
constexpr uint8_t kFirstPiece = 0xf8;
constexpr uint8_t kFirstTag = 0xf4;  // not a byte of UTF-8 up to U+FFFFF; four tags

ReplyFormat format_of(uint8_t byte) {
  static const std::vector<ToolSchema> tools = tool_schemas(parse_json(kTools, "tools"));
  return {byte % 3 != 0, (byte & 4) != 0, tools};
}

struct Step {
  std::string text;
  std::optional<Tag> tag;
};

struct Input {
  ReplyFormat format;
  ReplyEnd end;
  std::vector<Step> steps;
};

std::vector<Step> steps_of(std::string_view input) {
  std::vector<Step> steps;
  for (const char c : input) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte >= kFirstPiece) {
      for (const char one : kPieces[byte - kFirstPiece]) steps.push_back({std::string(1, one), {}});
    } else if (byte >= kFirstTag) {
      steps.push_back({"", static_cast<Tag>(byte - kFirstTag)});
    } else {
      steps.push_back({std::string(1, c), {}});
    }
  }
  return steps;
}

void require_prefix(const Reply& reply, const Reply& longer) {
  require(longer.reasoning.starts_with(reply.reasoning) && longer.content.starts_with(reply.content));
  require(reply.tool_calls.size() <= longer.tool_calls.size());
  for (size_t i = 0; i < reply.tool_calls.size(); ++i) {
    require(longer.tool_calls[i].name == reply.tool_calls[i].name);
    require(longer.tool_calls[i].arguments.starts_with(reply.tool_calls[i].arguments));
  }
}

// Feeds the text in pieces of random sizes, which are `max_bytes` on average. The randomness comes from the text.
Reply parse_pieces(const Input& input, uint32_t max_bytes) {
  ReplyParser parser(input.format);
  Reply reply;
  std::string piece;
  uint32_t random = max_bytes;
  const auto feed_piece = [&] { fold(reply, parser.feed(std::exchange(piece, {}))); };
  for (const Step& step : input.steps) {
    piece += step.text;
    if (!step.text.empty()) random = random * 1664525 + static_cast<uint8_t>(step.text[0]) + 1013904223;
    if (step.tag || (random >> 8) % max_bytes == 0) feed_piece();
    if (step.tag) fold(reply, parser.feed_tag(*step.tag));
  }
  feed_piece();
  const Reply streamed = reply;
  fold(reply, parser.finish(input.end));
  require_prefix(streamed, reply);
  // A byte that is not UTF-8 becomes three bytes. Each of them is read at most twice. Each is handled at most three
  // times, behind <tool_call>, by a call that turns out to be none, and as content; what may be a call inside of
  // thinking is handled as often once more, and twice as thinking.
  constexpr size_t kMaxPerByte = 3 * (2 + 3 + 3 + 2);
  constexpr size_t kMaxPerTag = 2 * 3 * 12;
  size_t most = 0;
  for (const Step& step : input.steps) most += step.tag ? kMaxPerTag : kMaxPerByte;
  require(parser.steps() <= most);
  return reply;
}

void require_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const size_t length = utf8_length(text, i);
    require(length > 0);
    i += length;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const Input input = {format_of(data[0]), (data[0] & 8) != 0 ? ReplyEnd::kCut : ReplyEnd::kByModel,
                       steps_of(as_text(data + 1, size - 1))};
  constexpr uint32_t kWhole = 1 << 30;
  const Reply reply = parse_pieces(input, kWhole);
  require(parse_pieces(input, 1) == reply);
  require(parse_pieces(input, 8) == reply);
  require_utf8(reply.reasoning);
  require_utf8(reply.content);
  for (const ToolCall& call : reply.tool_calls) {
    require_utf8(call.name);
    require(call.is_complete || (input.end == ReplyEnd::kCut && &call == &reply.tool_calls.back()));
    require(parse_json(call.arguments, "arguments", {.max_depth = 128}).is_object());
  }
  return 0;
}
