// What a caller sees of a tokenizer beside the ids of plain text (tokenizer_golden_test.cpp): user ranges, broken text,
// ids by name, decoding, work, threads.
#include "tokenizer/tokenizer.h"

#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "base/testing/expect_error.h"
#include "tokenizer/testing/tokenizers.h"

namespace moebius::internal {
namespace {

using testing::golden_json;
using testing::golden_tokenizer;
using testing::small_file;
using testing::SmallMerge;
using testing::tokenizer_of;
using Ids = std::vector<int32_t>;

Json without_added_tokens(Json file) {
  file["added_tokens"] = Json::array();
  return file;
}

// ---- user ranges ---------------------------------------------------------------------------------------------------

TEST(Tokenizer, finds_no_added_token_in_what_a_user_wrote) {
  const Json file = golden_json("qwen3_5");
  const Tokenizer with = tokenizer_of(file);
  const Tokenizer without = tokenizer_of(without_added_tokens(file));
  std::string all;
  for (const AddedToken& token : with.added_tokens()) {
    const std::string text = "a " + token.content + "\n";
    EXPECT_EQ(with.encode(MarkedText{text, {{0, text.size()}}}), without.encode(text)) << text;
    EXPECT_NE(with.encode(text), without.encode(text)) << text;
    all += token.content;
  }
  EXPECT_EQ(with.encode(MarkedText{all, {{0, all.size()}}}), without.encode(all));
}

TEST(Tokenizer, finds_no_added_token_of_which_a_user_wrote_one_byte) {
  const Json file = golden_json("qwen2");
  const Tokenizer with = tokenizer_of(file);
  const Tokenizer without = tokenizer_of(without_added_tokens(file));
  const std::string text = "<|im_end|>";
  for (size_t at = 0; at < text.size(); ++at) {
    EXPECT_EQ(with.encode(MarkedText{text, {{at, at + 1}}}), without.encode(text)) << "byte " << at;
  }
}

TEST(Tokenizer, finds_the_added_tokens_around_what_a_user_wrote) {
  const Tokenizer tokenizer = golden_tokenizer("qwen2");
  const std::string text = "<|im_start|>user\n<|im_end|><|im_end|>\n";
  const size_t user = text.find("<|im_end|>");
  const Ids ids = tokenizer.encode(MarkedText{text, {{user, user + 10}}});
  const int32_t end = tokenizer.token_id("<|im_end|>").value_or(-1);
  EXPECT_EQ(ids.front(), tokenizer.token_id("<|im_start|>").value_or(-1));
  EXPECT_EQ(std::ranges::count(ids, end), 1);
  EXPECT_EQ(tokenizer.decode(ids), text);
}

TEST(Tokenizer, finds_a_shorter_added_token_where_the_longer_one_is_partly_the_users) {
  const Tokenizer tokenizer = tokenizer_of(small_file({}, {"<a>", "<a><b>", "<b>"}));
  const std::string text = "<a><b>";
  EXPECT_EQ(tokenizer.encode(text), (Ids{257}));
  EXPECT_EQ(tokenizer.encode(MarkedText{text, {{5, 6}}}), (Ids{256, '<', 'b', '>'}));
  EXPECT_EQ(tokenizer.encode(MarkedText{text, {{0, 1}}}), (Ids{'<', 'a', '>', 258}));
}

TEST(Tokenizer, splits_and_merges_across_the_borders_of_user_ranges) {
  const Tokenizer tokenizer = golden_tokenizer("qwen3_5");
  for (const std::string text : {"The quick brown fox", "caf\u0065\u0301s", "\u1100\u1161\u11a8", "it's   12"}) {
    for (size_t at = 0; at < text.size(); ++at) {
      EXPECT_EQ(tokenizer.encode(MarkedText{text, {{at, at + 1}}}), tokenizer.encode(text)) << text << " at " << at;
    }
  }
}

TEST(Tokenizer, carries_user_ranges_through_nfc_and_repair_to_tokens_of_normalized_text) {
  Json file = golden_json("qwen2");
  const int32_t id = 2256;
  file["added_tokens"] = {{{"id", id}, {"content", "<x>"}, {"normalized", true}, {"special", false}}};
  const Tokenizer tokenizer = tokenizer_of(file);
  struct Row {
    std::string text;
    ByteRange user;
    std::ptrdiff_t found;
  };
  const Row rows[] = {
      {"e\u0301e\u0301<x>\xff<x>", {0, 1}, 2},
      {"e\u0301e\u0301<x>\xff<x>", {6, 7}, 1},
      {"e\u0301e\u0301<x>\xff<x>", {9, 10}, 2},
      {"e\u0301e\u0301<x>\xff<x>", {10, 11}, 1},
      {"\xff<x>e\u0301<x>", {7, 8}, 1},
      {"\xff<x>e\u0301<x>", {6, 7}, 2},
      {"<x>\u0301", {3, 5}, 1},  // a user's mark that joins nothing takes no token away
      {"<x>\u0338", {3, 5}, 0},  // a user's mark that makes another character of `>` does take one away
      {"\u1100\u1161<x>", {0, 3}, 1},
  };
  for (const Row& row : rows) {
    const Ids ids = tokenizer.encode(MarkedText{row.text, {row.user}});
    EXPECT_EQ(std::ranges::count(ids, id), row.found) << row.text << " " << row.user.begin;
  }
}

TEST(Tokenizer, refuses_user_ranges_that_are_not_in_the_text) {
  const Tokenizer tokenizer = tokenizer_of(small_file({}));
  const MarkedText texts[] = {{"ab", {{0, 3}}}, {"ab", {{1, 1}}}, {"ab", {{1, 2}, {0, 1}}}};
  for (const MarkedText& text : texts) {
    testing::expect_error(ErrorCode::kInternal, "range", [&] { (void)tokenizer.encode(text); });
  }
}

// ---- broken text ---------------------------------------------------------------------------------------------------

TEST(Tokenizer, reads_bytes_that_are_not_utf8_as_replacement_characters) {
  const Tokenizer tokenizer = golden_tokenizer("qwen2");
  EXPECT_EQ(tokenizer.encode("caf\xe9 \xf0\x9f\x98!"), tokenizer.encode("caf\uFFFD \uFFFD!"));
}

// ---- ids by name, decoding -----------------------------------------------------------------------------------------

TEST(Tokenizer, knows_ids_by_text_and_texts_by_id) {
  const Tokenizer tokenizer = tokenizer_of(small_file({{"a", "b"}, {"\xe2", "\x82"}}, {"<s>"}));
  struct Row {
    std::string_view text;
    std::optional<int32_t> id;
  };
  const Row rows[] = {{"a", 'a'}, {"ab", 256},          {"\xe2\x82", 257},  {"<s>", 258},
                      {" ", ' '}, {"ba", std::nullopt}, {"", std::nullopt}, {"<s", std::nullopt}};
  for (const Row& row : rows) {
    EXPECT_EQ(tokenizer.token_id(row.text), row.id) << row.text;
    if (row.id.has_value()) {
      EXPECT_EQ(tokenizer.token_text(*row.id), row.text);
    }
  }
  EXPECT_EQ(tokenizer.vocab_size(), 259);
}

TEST(Tokenizer, lists_added_tokens_and_which_are_special) {
  const Tokenizer tokenizer = golden_tokenizer("qwen3_5");
  EXPECT_EQ(tokenizer.added_tokens().size(), 33u);
  EXPECT_EQ(tokenizer.vocab_size(), 2256 + 33);
  struct Row {
    std::string_view text;
    bool is_special;
  };
  const Row rows[] = {{"<|endoftext|>", true}, {"<|im_end|>", true}, {"<think>", false}, {"a", false}};
  for (const Row& row : rows)
    EXPECT_EQ(tokenizer.is_special(tokenizer.token_id(row.text).value_or(-1)), row.is_special) << row.text;
  EXPECT_FALSE(tokenizer.is_special(-1));
  EXPECT_FALSE(tokenizer.is_special(2256 + 33));
}

TEST(Tokenizer, leaves_special_tokens_out_of_decoded_text_on_request) {
  const Tokenizer tokenizer = golden_tokenizer("qwen2");
  const Ids ids = tokenizer.encode("<|im_start|>a<think>b<|im_end|>");
  EXPECT_EQ(tokenizer.decode(ids), "<|im_start|>a<think>b<|im_end|>");
  EXPECT_EQ(tokenizer.decode(ids, Tokenizer::Special::kSkip), "a<think>b");
}

TEST(Tokenizer, decodes_an_added_token_as_it_is_written) {
  const Tokenizer tokenizer = tokenizer_of(small_file({}, {"caf\u00e9", "\u0120x"}));
  EXPECT_EQ(tokenizer.decode(Ids{256, 257}), "caf\u00e9\u0120x");
}

TEST(Tokenizer, refuses_ids_that_are_no_tokens) {
  const Tokenizer tokenizer = tokenizer_of(small_file({}, {"<s>"}));
  for (const int32_t id : {-1, 257, INT32_MAX, INT32_MIN}) {
    testing::expect_error(ErrorCode::kUsage, fmt::format("expected 0 to 256, got {}", id),
                          [&] { (void)tokenizer.decode(Ids{'a', id}); });
    testing::expect_error(ErrorCode::kUsage, "token id", [&] { (void)tokenizer.token_text(id); });
  }
}

// ---- work, threads ------------------------------------------------------------------------------------------

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr size_t kLargeBytes = 1'000'000;
#else
constexpr size_t kLargeBytes = 10'000'000;
#endif

// Merges of two halves up to 16 of one byte, and of the bytes of an emoji, with ranks in the order of training. The
// merges of U+FFFD are in the reverse order.
std::vector<SmallMerge> run_merges() {
  std::vector<SmallMerge> merges;
  for (const std::string_view run : {"AAAAAAAA", "        ", "\n\n\n\n\n\n\n\n"}) {
    for (size_t half = 1; half <= 8; half *= 2) merges.push_back({run.substr(0, half), run.substr(0, half)});
  }
  merges.insert(merges.end(), {{"\xf0", "\x9f"}, {"\xf0\x9f", "\x98"}, {"\xf0\x9f\x98", "\x80"}});
  merges.insert(merges.end(), {{"\U0001f600", "\U0001f600"}, {"\xef\xbf", "\xbd"}, {"\xef", "\xbf"}});
  return merges;
}

std::string repeated(std::string_view unit) {
  std::string text;
  while (text.size() + unit.size() <= kLargeBytes) text += unit;
  return text;
}

std::string random_bytes() {
  std::mt19937 random(1);  // NOLINT(bugprone-random-generator-seed,cert-msc51-cpp): the same text every time
  std::string text(kLargeBytes, '\0');
  for (char& byte : text) byte = static_cast<char>(random());
  return text;
}

std::string random_letters() {
  std::mt19937 random(1);  // NOLINT(bugprone-random-generator-seed,cert-msc51-cpp)
  std::string text(kLargeBytes, '\0');
  for (char& byte : text) byte = "AB"[random() % 2];
  return text;
}

TEST(Tokenizer, does_at_most_2_3_times_the_work_on_twice_the_text) {
  const Tokenizer tokenizer = tokenizer_of(small_file(run_merges()));
  struct Row {
    std::string name;
    std::string text;
  };
  const Row rows[] = {{"one letter", repeated("A")},
                      {"spaces", repeated(" ")},
                      {"line breaks", repeated("\n")},
                      {"emoji", repeated("\U0001f600")},
                      {"random bytes", random_bytes()},
                      {"random letters", random_letters()},
                      {"replacement characters", repeated("\xff")}};
  for (const Row& row : rows) {
    EncodeWork half;
    EncodeWork whole;
    (void)tokenizer.encode(std::string_view(row.text).substr(0, row.text.size() / 2), &half);
    (void)tokenizer.encode(row.text, &whole);
    EXPECT_GT(half.operations, row.text.size() / 8) << row.name;
    EXPECT_LE(static_cast<double>(whole.operations), 2.3 * static_cast<double>(half.operations)) << row.name;
    EXPECT_LE(whole.operations, 40 * row.text.size()) << row.name;
  }
}

TEST(Tokenizer, gives_several_threads_at_once_what_it_gives_one) {
  const Tokenizer tokenizer = golden_tokenizer("qwen3_5");
  const std::string text = golden_json("expected")["texts"].dump();
  const Ids alone = golden_tokenizer("qwen3_5").encode(text);
  std::vector<Ids> results(4);
  std::vector<std::thread> threads;
  for (Ids& result : results) threads.emplace_back([&] { result = tokenizer.encode(text); });
  for (std::thread& thread : threads) thread.join();
  for (const Ids& result : results) EXPECT_EQ(result, alone);
}

}  // namespace
}  // namespace moebius::internal
