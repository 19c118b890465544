// Doubles the closing tags of whole calls and leaves them out, one at a time and all together, and compares with what
// mlx-lm reads of the whole call (tests/golden/make_replies.py).
#include <gtest/gtest.h>

#include <functional>

#include "reply/testing/golden_replies.h"

namespace moebius::internal {
namespace {

constexpr std::string_view kClosingTags[] = {"</parameter>", "</function>", "</tool_call>"};

struct Span {
  size_t begin;
  size_t size;
};

// Finds the closing tags of a call with the line breaks before them. No value of these calls contains one.
std::vector<Span> closing_tags(const std::string& call) {
  std::vector<Span> tags;
  for (size_t at = 0; at < call.size(); ++at) {
    for (const std::string_view tag : kClosingTags) {
      if (call.compare(at, tag.size(), tag) == 0) tags.push_back({at - 1, tag.size() + 1});
    }
  }
  return tags;
}

// Writes the closing tags again as often as `count` says of each.
std::string with_tags(const std::string& call, const std::function<int(size_t)>& count) {
  std::string changed;
  size_t at = 0;
  const std::vector<Span> tags = closing_tags(call);
  for (size_t i = 0; i < tags.size(); ++i) {
    changed.append(call, at, tags[i].begin - at);
    for (int left = count(i); left > 0; --left) changed.append(call, tags[i].begin, tags[i].size);
    at = tags[i].begin + tags[i].size;
  }
  return changed.append(call, at);
}

// The tags of calls come as tokens, as models write them, or as text.
Reply reply_of(const std::string& text, bool has_tokens) {
  ReplyParser parser({.may_call = true, .tools = tool_schemas(testing::read_replies("tools"))});
  Reply reply;
  size_t begin = 0;
  for (size_t at = 0; has_tokens && at < text.size(); ++at) {
    for (const Tag tag : {Tag::kCallOpen, Tag::kCallClose}) {
      if (text.compare(at, text_of(tag).size(), text_of(tag)) != 0) continue;
      fold(reply, parser.feed(text.substr(begin, at - begin)));
      fold(reply, parser.feed_tag(tag));
      begin = at + text_of(tag).size();
    }
  }
  fold(reply, parser.feed(text.substr(begin)));
  fold(reply, parser.finish(ReplyEnd::kByModel));
  return reply;
}

void expect_calls(const std::string& text, const Json& golden, size_t calls, const std::string& content) {
  for (const bool has_tokens : {false, true}) {
    const Reply reply = reply_of(text, has_tokens);
    ASSERT_EQ(reply.tool_calls.size(), calls) << text;
    for (const ToolCall& call : reply.tool_calls) {
      EXPECT_EQ(call.name, golden["name"]) << text;
      EXPECT_EQ(parse_json(call.arguments, "arguments"), golden["arguments"]) << text;
      EXPECT_TRUE(call.is_complete) << text;
    }
    EXPECT_EQ(reply.content, content) << text;
  }
}

// The call alone, before another one, and before text.
void expect_call(const std::string& call, const Json& golden) {
  expect_calls(call, golden, 1, "");
  expect_calls(call + "\n" + call + "\n", golden, 2, "");
  expect_calls("Hm.\n" + call + "\nDone.", golden, 1, "Hm.\n\nDone.");
}

TEST(ClosingTags, of_whole_calls_end_what_mlx_lm_ends_there) {
  for (const Json& golden : testing::read_replies("well_formed")) {
    expect_call(golden["text"].get<std::string>(), golden);
  }
}

TEST(ClosingTags, may_be_doubled_anywhere) {
  for (const Json& golden : testing::read_replies("well_formed")) {
    const auto call = golden["text"].get<std::string>();
    for (size_t i = 0; i < closing_tags(call).size(); ++i) {
      for (const int count : {2, 3})
        expect_call(with_tags(call, [&](size_t at) { return at == i ? count : 1; }), golden);
    }
    expect_call(with_tags(call, [](size_t) { return 2; }), golden);
  }
}

TEST(ClosingTags, may_be_missing_anywhere) {
  for (const Json& golden : testing::read_replies("well_formed")) {
    const auto call = golden["text"].get<std::string>();
    for (size_t i = 0; i < closing_tags(call).size(); ++i) {
      expect_call(with_tags(call, [&](size_t at) { return at == i ? 0 : 1; }), golden);
    }
  }
}

TEST(ClosingTags, may_all_be_missing_at_the_end_of_a_reply) {
  for (const Json& golden : testing::read_replies("well_formed")) {
    const std::string call = with_tags(golden["text"].get<std::string>(), [](size_t) { return 0; });
    expect_calls(call + "\n", golden, 1, "");
  }
}

}  // namespace
}  // namespace moebius::internal
