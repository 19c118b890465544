// Tests the golden replies, cut into pieces in every way, what may never happen on the way, and how much work it is.
#include "reply/reply_parser.h"

#include <gtest/gtest.h>

#include <random>

#include "moebius/error.h"
#include "reply/testing/golden_replies.h"

namespace moebius {

// Found by argument-dependent look-up, so it stands beside Reply.
static std::ostream& operator<<(std::ostream& out, const Reply& reply) {
  out << "reasoning: " << reply.reasoning << "\ncontent: " << reply.content;
  for (const ToolCall& call : reply.tool_calls) {
    out << "\n" << call.id << ": " << call.name << call.arguments << (call.is_complete ? "" : " (cut)");
  }
  return out;
}

}  // namespace moebius

namespace moebius::internal {
namespace {

using Kind = ReplyEvent::Kind;
using testing::golden_replies;
using testing::GoldenReply;
using testing::ReplyPiece;

// The same reply in pieces of a single byte. Tags that are known by their token stay whole.
std::vector<ReplyPiece> bytes_of(const GoldenReply& golden) {
  std::vector<ReplyPiece> bytes;
  for (const ReplyPiece& piece : golden.pieces) {
    if (const auto* text = std::get_if<std::string>(&piece)) {
      for (const char byte : *text) bytes.emplace_back(std::string(1, byte));
    } else {
      bytes.push_back(piece);
    }
  }
  return bytes;
}

// Feeds single bytes, joined except where is_cut(i) says that piece i begins a new delta.
template <typename IsCut>
std::vector<ReplyEvent> parse_cut(const GoldenReply& golden, const IsCut& is_cut) {
  ReplyParser parser(golden.format);
  std::vector<ReplyEvent> events;
  const auto add = [&](const std::vector<ReplyEvent>& more) { events.insert(events.end(), more.begin(), more.end()); };
  std::string delta;
  const auto feed_delta = [&] { add(parser.feed(std::exchange(delta, {}))); };
  const std::vector<ReplyPiece> bytes = bytes_of(golden);
  for (size_t i = 0; i < bytes.size(); ++i) {
    const Tag* tag = std::get_if<Tag>(&bytes[i]);
    if (is_cut(i) || tag != nullptr) feed_delta();
    if (tag != nullptr) {
      add(parser.feed_tag(*tag));
    } else {
      delta += std::get<std::string>(bytes[i]);
    }
  }
  feed_delta();
  add(parser.finish(golden.end));
  return events;
}

Reply folded(const std::vector<ReplyEvent>& events) {
  Reply reply;
  fold(reply, events);
  return reply;
}

bool is_prefix_of(const Reply& reply, const Reply& longer) {
  bool is_prefix = longer.reasoning.starts_with(reply.reasoning) && longer.content.starts_with(reply.content) &&
                   reply.tool_calls.size() <= longer.tool_calls.size();
  for (size_t i = 0; is_prefix && i < reply.tool_calls.size(); ++i) {
    is_prefix = longer.tool_calls[i].id == reply.tool_calls[i].id &&
                longer.tool_calls[i].name == reply.tool_calls[i].name &&
                longer.tool_calls[i].arguments.starts_with(reply.tool_calls[i].arguments);
  }
  return is_prefix;
}

bool is_object(const std::string& json) {
  try {
    return parse_json(json, "arguments", {.max_depth = 128}).is_object();
  } catch (const Error&) {
    return false;
  }
}

// ---- golden replies ----

TEST(ReplyParser, reads_the_golden_replies_in_one_piece) {
  for (const GoldenReply& golden : golden_replies()) {
    EXPECT_EQ(folded(parse_cut(golden, [](size_t) { return false; })), golden.expected) << golden.name;
  }
}

TEST(ReplyParser, reads_the_golden_replies_byte_by_byte) {
  for (const GoldenReply& golden : golden_replies()) {
    EXPECT_EQ(folded(parse_cut(golden, [](size_t) { return true; })), golden.expected) << golden.name;
  }
}

TEST(ReplyParser, reads_the_golden_replies_in_two_pieces_cut_anywhere) {
  for (const GoldenReply& golden : golden_replies()) {
    for (size_t cut = 0; cut < bytes_of(golden).size(); ++cut) {
      const Reply reply = folded(parse_cut(golden, [&](size_t i) { return i == cut; }));
      EXPECT_EQ(reply, golden.expected) << golden.name << ", cut at " << cut;
    }
  }
}

TEST(ReplyParser, reads_the_golden_replies_in_random_pieces) {
  std::mt19937 random(1);  // NOLINT: the same pieces every time
  for (const GoldenReply& golden : golden_replies()) {
    for (int i = 0; i < 50; ++i) {
      const auto one_in = 2 + random() % 20;
      const Reply reply = folded(parse_cut(golden, [&](size_t) { return random() % one_in == 0; }));
      EXPECT_EQ(reply, golden.expected) << golden.name;
    }
  }
}

TEST(ReplyParser, takes_nothing_back_when_more_text_comes) {
  for (const GoldenReply& golden : golden_replies()) {
    ReplyParser parser(golden.format);
    Reply so_far;
    for (const ReplyPiece& byte : bytes_of(golden)) {
      const auto* tag = std::get_if<Tag>(&byte);
      fold(so_far, tag != nullptr ? parser.feed_tag(*tag) : parser.feed(std::get<std::string>(byte)));
      ASSERT_TRUE(is_prefix_of(so_far, golden.expected)) << golden.name << "\n" << ::testing::PrintToString(so_far);
    }
  }
}

TEST(ReplyParser, ends_every_call_with_valid_arguments_wherever_the_reply_is_cut_off) {
  for (const GoldenReply& golden : golden_replies()) {
    const std::vector<ReplyPiece> bytes = bytes_of(golden);
    for (size_t size = 0; size < bytes.size(); ++size) {
      GoldenReply prefix = golden;
      prefix.end = size % 2 == 0 ? ReplyEnd::kCut : ReplyEnd::kByModel;
      prefix.pieces.assign(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(size));
      for (const ToolCall& call : folded(parse_cut(prefix, [](size_t) { return false; })).tool_calls) {
        EXPECT_TRUE(is_object(call.arguments)) << golden.name << ", " << size << " bytes: " << call.arguments;
      }
    }
  }
}

// ---- events ----

ReplyFormat format_with_tools() { return {.may_call = true, .tools = tool_schemas(testing::read_replies("tools"))}; }

TEST(ReplyParser, names_a_call_once_and_before_its_arguments) {
  for (const GoldenReply& golden : golden_replies()) {
    const auto cut = std::ranges::count(golden.expected.tool_calls, false, &ToolCall::is_complete);
    int started = 0;
    int finished = 0;
    for (const ReplyEvent& event : parse_cut(golden, [](size_t) { return true; })) {
      if (event.call < 0) continue;
      started += event.kind == Kind::kCallStarted;
      EXPECT_EQ(event.call, started - 1) << golden.name;
      EXPECT_EQ(event.call, finished) << golden.name;
      finished += event.kind == Kind::kCallFinished;
    }
    EXPECT_EQ(started, finished + cut) << golden.name;
  }
}

TEST(ReplyParser, streams_a_text_value_but_its_last_line_break) {
  ReplyParser parser(format_with_tools());
  parser.feed("<tool_call>\n<function=write_file>\n<parameter=content>\n");
  const std::vector<ReplyEvent> first = {{Kind::kCallArguments, 0, "\"one", {}}};
  EXPECT_EQ(parser.feed("one\n"), first);
  const std::vector<ReplyEvent> second = {{Kind::kCallArguments, 0, "\\n\\\"two\\\"", {}}};
  EXPECT_EQ(parser.feed("\"two\"\n</param"), second);
}

TEST(ReplyParser, sends_a_value_of_another_type_when_it_is_whole) {
  ReplyParser parser(format_with_tools());
  parser.feed("<tool_call>\n<function=typed>\n<parameter=count>");
  EXPECT_TRUE(parser.feed("5\n</parameter>\n").empty());
  const std::vector<ReplyEvent> expected = {{Kind::kCallArguments, 0, "5, \"flag\": ", {}}};
  EXPECT_EQ(parser.feed("<parameter=flag>"), expected);
}

TEST(ReplyParser, holds_back_only_what_may_become_a_tag) {
  ReplyParser parser({});
  EXPECT_EQ(parser.feed("a <th"), std::vector<ReplyEvent>({{Kind::kContent, -1, "a", {}}}));
  EXPECT_EQ(parser.feed("e"), std::vector<ReplyEvent>({{Kind::kContent, -1, " <the", {}}}));
}

TEST(ReplyParser, makes_the_ids_of_calls_from_the_prefix_of_the_request) {
  ReplyFormat format = format_with_tools();
  format.id_prefix = "call_7f_";
  const Reply reply = parse_reply(format, "<tool_call><function=a></function></tool_call><tool_call><function=b>");
  ASSERT_EQ(reply.tool_calls.size(), 2u);
  EXPECT_EQ(reply.tool_calls[0].id, "call_7f_0");
  EXPECT_EQ(reply.tool_calls[1].id, "call_7f_1");
}

TEST(ReplyParser, knows_whether_a_call_was_made) {
  ReplyParser parser(format_with_tools());
  parser.feed("<tool_call>\n");
  EXPECT_FALSE(parser.has_calls());
  parser.feed("<function=get_time>");
  EXPECT_TRUE(parser.has_calls());
}

TEST(ReplyParser, makes_a_call_whose_last_tags_come_in_one_piece) {
  ReplyParser parser(format_with_tools());
  Reply reply;
  fold(reply, parser.feed("<tool_call>\n<function=write_file>\n<parameter=path>\na"));
  fold(reply, parser.feed("\n</parameter>\n</function>\n</tool_call>\n<tool_call>\n<function=get_time>\n</function>"));
  fold(reply, parser.finish(ReplyEnd::kByModel));
  ASSERT_EQ(reply.tool_calls.size(), 2u);
  EXPECT_EQ(reply.tool_calls[0].arguments, R"({"path": "a"})");
}

// ---- work ----

uint64_t steps_of(const ReplyFormat& format, const std::string& before, const std::string& repeated, size_t bytes) {
  ReplyParser parser(format);
  parser.feed(before);
  for (size_t i = 0; i < bytes; ++i) parser.feed({&repeated[i % repeated.size()], 1});
  parser.finish(ReplyEnd::kByModel);
  return parser.steps();
}

TEST(ReplyParser, takes_twice_the_steps_for_twice_the_text_whatever_the_text) {
  const std::string in_value = "<tool_call><function=write_file><parameter=content>";
  const std::string in_list = "<tool_call><function=typed><parameter=items>";
  struct Row {
    bool starts_in_reasoning;
    std::string before;
    std::string repeated;
  };
  const Row rows[] = {
      {false, "", "<"},
      {false, "", "\n"},
      {false, "", "<tool_call>"},
      {false, "<tool_call>", "\n"},
      {false, "", "<tool_call>\n<function="},
      {false, "<function=", "a"},
      {false, "", "<function=get_time>\n"},
      {false, "<think>", "</think"},
      {false, in_value, "a"},
      {false, in_value, "<"},
      {false, in_value, "\n"},
      {false, in_value, "</parameter"},
      {false, in_value, "</parameter>"},
      {false, in_value, "</parameter>\n</function>\n"},
      {false, in_value, "</tool_call></function></parameter>\n"},
      {false, in_value + "</parameter>", "\n"},
      {false, in_value, "<parameter=a>"},
      {false, in_list, "["},
      {false, in_list + "[", "'a',"},
      {false, "<tool_call><function=get_time>", "x\n"},
      {false, "", "<tool_call><function=get_time></function></tool_call>"},
      {false, "<tool_call>", "{"},
      {false, "<tool_call>{", "\n"},
      {false, "<tool_call>{\"", "</tool_call>"},
      {false, "", "<tool_call>{\""},
      {false, "", "<tool_call>{}"},
      {false, "", "<tool_call>{\":1,\"a</tool_call>"},
      {true, "", "<tool_call>"},
      {true, "", "<tool_call>{\":1,\"a</tool_call>"},
      {true, "", "<tool_call><function=get_time></function></tool_call>"},
      {true, "", "<tool_call><function=get_time></function></tool_call>x"},
      {true, "", "<function=get_time> "},
      {true, in_value, "</parameter>\n</function>\n"},
  };
  for (const Row& row : rows) {
    ReplyFormat format = format_with_tools();
    format.starts_in_reasoning = row.starts_in_reasoning;
    constexpr size_t kBytes = 1 << 16;
    const uint64_t once = steps_of(format, row.before, row.repeated, kBytes);
    const uint64_t twice = steps_of(format, row.before, row.repeated, 2 * kBytes);
    EXPECT_LE(static_cast<double>(twice), 2.3 * static_cast<double>(once)) << row.before << row.repeated;
    EXPECT_LE(once, (row.starts_in_reasoning ? 8 : 4) * kBytes) << row.before << row.repeated;
  }
}

}  // namespace
}  // namespace moebius::internal
