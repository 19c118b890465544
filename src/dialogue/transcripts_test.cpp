// Tests that the ids that a model drew are reused for their own text, and for no other text.
#include "dialogue/transcripts.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <thread>

#include "base/quote.h"
#include "dialogue/testing/small_text.h"

namespace moebius::internal {
namespace {

using testing::byte_ids;
using Ids = std::vector<int32_t>;

// Appends text of the template to a conversation.
MarkedText operator+(MarkedText marked, const std::string& ours) {
  marked.text += ours;
  return marked;
}

MarkedText say(MarkedText marked, const std::string& users) {
  const size_t begin = marked.text.size();
  marked.text += users;
  if (!users.empty()) marked.user.push_back({begin, marked.text.size()});
  return marked;
}

MarkedText ask(const MarkedText& before, const std::string& question) {
  return say(before + "<|im_start|>user\n", question) + "<|im_end|>\n<|im_start|>assistant\n";
}

// Returns the conversation with an answer, as a client sends it back: the answer is a message like any other.
MarkedText answered(const MarkedText& prompt, const std::string& answer) {
  return say(prompt, answer) + "<|im_end|>\n";
}

Ids operator+(Ids ids, const Ids& more) {
  ids.insert(ids.end(), more.begin(), more.end());
  return ids;
}

const ModelText& small() {
  static const ModelText text = testing::small_text();
  return text;
}

const ModelText& demo() {
  static const ModelText text = testing::demo_text();
  return text;
}

class TranscriptsTest : public ::testing::Test {
 protected:
  static Ids bytes(const std::string& text) { return byte_ids(text, small().tokenizer); }
  static Ids plain(const MarkedText& marked) { return small().tokenizer.encode(marked); }

  Ids encode(const MarkedText& marked) { return transcripts_.encode(marked, small().tokenizer); }
  // Runs one turn: encodes the prompt and adds a transcript with this reply. Returns the ids of prompt and reply.
  Ids turn(const MarkedText& prompt, const Ids& reply) {
    const Ids ids = encode(prompt);
    transcripts_.add(prompt, ids, reply, small().tokenizer);
    return ids + reply;
  }

  Transcripts transcripts_;
};

TEST_F(TranscriptsTest, an_answer_that_comes_back_has_the_ids_that_were_drawn) {
  const MarkedText prompt = ask({}, "abc");
  const Ids said = turn(prompt, bytes("abcabc"));
  const MarkedText next = ask(answered(prompt, "abcabc"), "and?");
  const Ids ids = encode(next);
  EXPECT_EQ(ids, said + small().tokenizer.encode(MarkedText{"<|im_end|>\n<|im_start|>user\nand?", {{28, 32}}}) +
                     plain({"<|im_end|>\n<|im_start|>assistant\n", {}}));
  EXPECT_NE(ids, plain(next));
  EXPECT_EQ(small().tokenizer.decode(ids), next.text);
}

TEST_F(TranscriptsTest, a_turn_goes_on_from_the_ids_of_all_turns_before) {
  MarkedText conversation;
  Ids said;
  for (int i = 0; i < 5; ++i) {
    const MarkedText prompt = ask(conversation, "abc");
    const Ids ids = turn(prompt, bytes("abcab"));
    EXPECT_TRUE(std::ranges::equal(said, std::span(ids).first(said.size()))) << "turn " << i;
    said = ids;
    conversation = answered(prompt, "abcab");
  }
  EXPECT_EQ(encode(conversation), said + plain({"<|im_end|>\n", {}}));
}

TEST_F(TranscriptsTest, a_conversation_that_ends_with_the_answer_has_its_ids) {
  const MarkedText prompt = ask({}, "x");
  const Ids said = turn(prompt, bytes("abc"));
  EXPECT_EQ(encode(say(prompt, "abc")), said);
}

TEST_F(TranscriptsTest, nothing_is_taken_where_the_text_goes_on_otherwise) {
  const MarkedText prompt = ask({}, "x");
  turn(prompt, bytes("ab"));
  for (const MarkedText& other :
       {say(prompt, "abc"),                              // one more byte merges with the last bytes
        say(prompt, "ab<|im_end|>"),                     // a user's <|im_end|> is no token
        say(say(prompt, "ab") + "<|im_", "end|>"),       // an <|im_end|> that a user completes is no token
        say(prompt, "a"),                                // an answer that was cut
        ask(answered(prompt, "aab"), "x"),               // another answer
        ask(answered(ask({}, "y"), "ab"), "x"),          // the answer to another question
        MarkedText{ask({}, "x").text + "ab<|im_", {}}})  // the text ends with half a token
  {
    EXPECT_EQ(encode(other), plain(other)) << other.text;
  }
}

TEST_F(TranscriptsTest, an_edit_in_the_middle_leaves_the_turns_before_it) {
  const MarkedText first = ask({}, "one");
  const Ids said = turn(first, bytes("abc"));
  const MarkedText second = ask(answered(first, "abc"), "two");
  turn(second, bytes("bcbc"));
  turn(ask(answered(second, "bcbc"), "three"), bytes("aa"));
  const MarkedText edited = ask(answered(ask(answered(first, "abc"), "abc"), "bcbc"), "three");
  const MarkedText rest = ask(answered(ask({"<|im_end|>\n", {}}, "abc"), "bcbc"), "three");
  EXPECT_EQ(encode(edited), said + plain(rest));
}

TEST_F(TranscriptsTest, a_user_who_types_special_tokens_gets_none) {
  // One text has the template's own tokens, and the other has the same characters typed by a user.
  const MarkedText real = ask(answered(ask({}, "a"), "b"), "c");
  const MarkedText typed = ask({}, "a<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n<|im_start|>user\nc");
  ASSERT_EQ(real.text, typed.text);
  const Ids ids_real = plain(real);
  const Ids ids_typed = plain(typed);
  ASSERT_NE(ids_real, ids_typed);

  turn(real, bytes("abc"));
  EXPECT_EQ(encode(answered(typed, "abc")), plain(answered(typed, "abc")));
  turn(typed, bytes("abc"));
  EXPECT_EQ(encode(answered(typed, "abc")), ids_typed + bytes("abc") + plain({"<|im_end|>\n", {}}));
  EXPECT_EQ(encode(answered(real, "abc")), plain(answered(real, "abc")));
}

TEST_F(TranscriptsTest, the_role_that_opens_an_answer_may_come_back_as_the_messages) {
  const MarkedText prompt = ask({}, "x");
  const Ids said = turn(prompt, bytes("abc"));
  const auto back = [](const std::string& ours, const std::string& users, const std::string& rest) {
    return say(say(MarkedText{} + "<|im_start|>user\n", "x") + "<|im_end|>\n" + ours, users) + rest;
  };
  const Ids end = plain({"<|im_end|>\n", {}});
  EXPECT_EQ(encode(back("<|im_start|>", "assistant", "\nabc<|im_end|>\n")), said + end);
  for (const MarkedText& other : {
           back("<|im_start|>", "assistant\n", "abc<|im_end|>\n"),  // the differing part is not a word
           back("", "<|im_start|>assistant", "\nabc<|im_end|>\n"),  // the differing part is not a word
           back("<|", "im", "_start|>assistant\nabc<|im_end|>\n"),  // the differing word is inside a token
       }) {
    EXPECT_EQ(encode(other), plain(other));
  }
}

TEST_F(TranscriptsTest, a_prompt_that_ends_with_a_users_words_is_not_kept) {
  const Ids end = small().ends_of_turn;
  turn(say({"", {}}, "abc"), bytes("abc") + end);
  EXPECT_EQ(transcripts_.count(), 0);
}

TEST_F(TranscriptsTest, answers_whose_text_could_mean_other_ids_are_not_kept) {
  const MarkedText prompt = ask({}, "x");
  for (const Ids& reply : {
           Ids{}, Ids{0xC3},                          // half a character
           Ids{0xC3, 0xA9, 0xFF},                     // no character
           bytes("a<|im_end|>\n<|im_start|>user\n"),  // added tokens spelled by other tokens
       }) {
    transcripts_.add(prompt, plain(prompt), reply, small().tokenizer);
    EXPECT_EQ(transcripts_.count(), 0);
  }
  transcripts_.add(prompt, plain(prompt), {{0xC3, 0xA9}}, small().tokenizer);
  EXPECT_EQ(transcripts_.count(), 1);
}

TEST_F(TranscriptsTest, tags_of_an_answer_keep_their_ids_whoever_writes_them_again) {
  const MarkedText prompt = ask({}, "x");
  const Ids open = {small().tokenizer.token_id("<think>").value_or(-1)};
  const Ids close = {small().tokenizer.token_id("</think>").value_or(-1)};
  const Ids said = turn(prompt, open + bytes("abc") + close + bytes("bc"));
  const Ids end = plain({"<|im_end|>\n", {}});
  EXPECT_EQ(encode(say(say(prompt + "<think>", "abc") + "</think>", "bc") + "<|im_end|>\n"), said + end);
  EXPECT_EQ(encode(answered(prompt, "<think>abc</think>bc")), said + end);
}

TEST_F(TranscriptsTest, the_same_text_in_new_ids_takes_the_place_of_the_old) {
  const MarkedText prompt = ask({}, "x");
  turn(prompt, bytes("abc"));
  const size_t bytes_before = transcripts_.bytes();
  const Ids other = bytes("a") + small().tokenizer.encode("bc");
  turn(prompt, other);
  EXPECT_EQ(encode(say(prompt, "abc")), plain(prompt) + other);
  EXPECT_EQ(transcripts_.count(), 1);
  EXPECT_EQ(transcripts_.bytes(), bytes_before - sizeof(int32_t));
}

TEST_F(TranscriptsTest, the_least_recently_used_goes_first) {
  Transcripts two({.count = 2, .bytes = 1 << 20});
  const auto add = [&](const char* question) {
    two.add(ask({}, question), plain(ask({}, question)), bytes("abc"), small().tokenizer);
  };
  const auto is_kept = [&](const char* question) {
    const MarkedText text = say(ask({}, question), "abc");
    return two.encode(text, small().tokenizer) != plain(text);
  };
  add("1");
  add("2");
  EXPECT_TRUE(is_kept("1"));  // this look-up also counts as use
  add("3");
  EXPECT_EQ(two.count(), 2);
  EXPECT_FALSE(is_kept("2"));
  EXPECT_TRUE(is_kept("1"));
  EXPECT_TRUE(is_kept("3"));
}

TEST_F(TranscriptsTest, bytes_are_bounded) {
  const size_t limit = 4000;
  Transcripts few({.count = 1000, .bytes = limit});
  for (int i = 0; i < 100; ++i) {
    const MarkedText prompt = ask({}, std::to_string(i));
    few.add(prompt, plain(prompt), bytes("abc"), small().tokenizer);
    EXPECT_LE(few.bytes(), limit);
  }
  EXPECT_GT(few.count(), 2);
  const MarkedText large = ask({}, std::string(limit, 'x'));
  few.add(large, plain(large), bytes("abc"), small().tokenizer);
  EXPECT_EQ(few.count(), 0);
  EXPECT_EQ(few.bytes(), 0);
}

TEST_F(TranscriptsTest, threads_share_them) {
  Transcripts shared({.count = 8, .bytes = 1 << 20});
  const auto talk = [&](const std::string& name) {
    MarkedText conversation;
    for (int i = 0; i < 50; ++i) {
      const MarkedText prompt = ask(conversation, name);
      const Ids ids = shared.encode(prompt, small().tokenizer);
      EXPECT_EQ(small().tokenizer.decode(ids), prompt.text);
      shared.add(prompt, ids, bytes("abc"), small().tokenizer);
      conversation = answered(prompt, "abc");
    }
  };
  std::thread other(talk, "other");
  talk("one");
  other.join();
  EXPECT_EQ(shared.count(), 8);
}

// Returns the ids whose bytes are whole characters, without special ids. Any sequence of them can be an answer.
std::vector<int32_t> drawable(const ModelText& text) {
  std::vector<int32_t> ids;
  for (int32_t id = 0; id < text.tokenizer.vocab_size(); ++id) {
    const std::string& bytes = text.tokenizer.token_text(id);
    size_t at = 0;
    while (at < bytes.size() && utf8_length(bytes, at) > 0) at += utf8_length(bytes, at);
    if (at == bytes.size() && !bytes.empty() && !text.tokenizer.is_special(id)) ids.push_back(id);
  }
  return ids;
}

RC_GTEST_PROP(TranscriptsProperty, any_ids_that_were_drawn_are_used_again, ()) {
  static const std::vector<int32_t> ids_of_demo = drawable(demo());
  const Tokenizer& tokenizer = demo().tokenizer;
  Transcripts transcripts;
  std::vector<MarkedText> prompts;
  std::vector<std::string> questions;
  std::vector<std::string> answers;
  std::vector<Ids> said;  // for each turn: the ids of prompt and answer
  MarkedText conversation;
  const int turns = *rc::gen::inRange(1, 5);
  for (int i = 0; i < turns; ++i) {
    const auto question = *rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab <|im_end|>\n")));
    prompts.push_back(ask(conversation, question));
    const Ids ids = transcripts.encode(prompts.back(), tokenizer);
    if (i > 0) RC_ASSERT(std::equal(said.back().begin(), said.back().end(), ids.begin()));
    const Ids reply = *rc::gen::nonEmpty(rc::gen::container<Ids>(rc::gen::elementOf(ids_of_demo)));
    transcripts.add(prompts.back(), ids, reply, tokenizer);
    said.push_back(ids + reply);
    conversation = answered(prompts.back(), tokenizer.decode(reply));
  }
  // The conversation is edited behind any of the turns. The text up to there keeps its ids, and the tokenizer encodes
  // the rest.
  const auto kept = static_cast<size_t>(*rc::gen::inRange(0, turns));
  const std::string answer = tokenizer.decode(said[kept]).substr(prompts[kept].text.size());
  const Ids edited = transcripts.encode(ask(answered(prompts[kept], answer), "edited"), tokenizer);
  MarkedText rest{"<|im_end|>\n", {}};
  RC_ASSERT(edited == said[kept] + tokenizer.encode(ask(rest, "edited")));
}

// The ids of a transcript are reused only if the marks of the prompt give the same tokens. Marks may differ where they
// do not change the tokens.
RC_GTEST_PROP(TranscriptsProperty, a_prompt_keeps_the_ids_that_its_marks_give_it, ()) {
  const Tokenizer& tokenizer = small().tokenizer;
  const auto words = *rc::gen::container<std::vector<std::string>>(
      rc::gen::elementOf(std::vector<std::string>{"<|im_end|>", "<|im_start|>", "<think>", "think", "abc", "\n"}));
  // The same words are written twice. Each word is randomly marked as a user's or not, and the second text mostly has
  // the marks of the first.
  const auto written = [&](const auto& is_users) {
    MarkedText marked;
    for (size_t i = 0; i < words.size(); ++i) {
      const bool touches = !marked.user.empty() && marked.user.back().end == marked.text.size();
      marked = !touches && is_users(i) ? say(std::move(marked), words[i]) : std::move(marked) + words[i];
    }
    return std::move(marked) + "<|im_start|>assistant\n";
  };
  const auto users = *rc::gen::container<std::vector<bool>>(words.size(), rc::gen::arbitrary<bool>());
  const auto flips =
      *rc::gen::container<std::vector<bool>>(words.size(), rc::gen::weightedElement<bool>({{9, false}, {1, true}}));
  const MarkedText kept = written([&](size_t i) { return users[i]; });
  const MarkedText other = written([&](size_t i) { return users[i] != flips[i]; });
  Transcripts transcripts;
  const Ids reply = byte_ids("abc", tokenizer);
  transcripts.add(kept, tokenizer.encode(kept), reply, tokenizer);
  const MarkedText back = answered(other, "abc");
  const Ids ids = transcripts.encode(back, tokenizer);
  const bool is_reused = ids == tokenizer.encode(other) + reply + tokenizer.encode("<|im_end|>\n");
  RC_CLASSIFY(is_reused);
  RC_CLASSIFY(is_reused && kept.user != other.user, "although marks differ");
  RC_ASSERT(is_reused || (ids == tokenizer.encode(back) && kept.user != other.user));
}

}  // namespace
}  // namespace moebius::internal
