// The files beside a tokenizer.json, and those that stand in its place, as hostile files: tokenizer_config.json,
// special_tokens_map.json, added_tokens.json, vocab.json and merges.txt.
#include <gtest/gtest.h>

#include <ostream>

#include "bad_input.h"
#include "tokenizer/testing/tokenizers.h"

namespace moebius::internal {
namespace {

using testing::small_file;

struct File {
  const char* name;
  std::optional<FileText> TokenizerTexts::* member;
};

constexpr File kConfig = {"tokenizer_config.json", &TokenizerTexts::config};
constexpr File kMap = {"special_tokens_map.json", &TokenizerTexts::special_tokens};
constexpr File kOlder = {"added_tokens.json", &TokenizerTexts::added_tokens};
constexpr File kVocabulary = {"vocab.json", &TokenizerTexts::vocabulary};
constexpr File kMerges = {"merges.txt", &TokenizerTexts::merges};

struct Bad {
  std::string name;
  File file;
  std::string text;
  std::vector<std::string> words;
  friend std::ostream& operator<<(std::ostream& out, const Bad& bad) { return out << bad.name; }
};

// Files that are good together: two merges, and an added token behind them.
TokenizerTexts good_files(bool with_tokenizer_json) {
  const Json file = small_file({{"a", "b"}, {"ab", "c"}}, {"<s>"});
  TokenizerTexts texts;
  if (with_tokenizer_json) {
    texts.tokenizer = {file.dump(), "tokenizer.json"};
  } else {
    texts.vocabulary = {file["model"]["vocab"].dump(), "vocab.json"};
    texts.merges = {"#version: 0.2\na b\nab c\n", "merges.txt"};
  }
  return texts;
}

std::string decoder_of(const std::string& key, const Json& token) {
  return Json{{"added_tokens_decoder", {{key, token}}}}.dump();
}

Json token(const std::string& content) { return {{"content", content}}; }

const std::vector<Bad> kBesideTokenizer = {
    {"a_config_that_is_cut_off", kConfig, "{", {"tokenizer_config.json"}},
    {"a_config_that_is_an_array", kConfig, "[]", {"tokenizer_config.json: is not an object"}},
    {"a_config_that_is_nested_without_end", kConfig, std::string(100000, '['), {"tokenizer_config.json"}},
    {"a_decoder_that_is_a_list", kConfig, R"({"added_tokens_decoder": [1]})", {"added_tokens_decoder"}},
    {"a_decoder_with_a_name_as_id", kConfig, decoder_of("x", token("<t>")), {"added_tokens_decoder.x: is no id"}},
    {"a_decoder_with_a_negative_id", kConfig, decoder_of("-1", token("<t>")), {"decoder.-1: is no id"}},
    {"a_decoder_with_an_id_of_2_to_the_31", kConfig, decoder_of("2147483648", token("<t>")), {"is no id from 0 to"}},
    {"a_decoder_with_half_an_id", kConfig, decoder_of("1.5", token("<t>")), {"added_tokens_decoder.1.5: is no id"}},
    {"a_decoder_with_a_gap", kConfig, decoder_of("260", token("<t>")), {"decoder.260.id: expected 259, got 260"}},
    {"a_decoder_with_an_id_of_the_vocabulary", kConfig, decoder_of("97", token("<t>")), {"expected 259, got 97"}},
    {"a_decoder_with_another_id_of_a_word",
     kConfig,
     decoder_of("259", token("abc")),
     {"decoder.259.id: expected 257, as in the vocabulary, got 259"}},
    {"a_decoder_of_strings", kConfig, decoder_of("259", "<t>"), {"added_tokens_decoder.259: expected an object"}},
    {"a_decoder_without_content", kConfig, decoder_of("259", Json::object()), {"decoder.259.content: is missing"}},
    {"a_decoder_with_a_number_as_flag",
     kConfig,
     R"({"added_tokens_decoder": {"259": {"content": "<t>", "lstrip": 1}}})",
     {"259.lstrip"}},
    {"a_decoder_with_an_endless_token",
     kConfig,
     decoder_of("259", token(std::string(1025, 'x'))),
     {"more than 1024 bytes"}},
    {"a_named_token_that_is_a_number",
     kConfig,
     R"({"eos_token": 5})",
     {"tokenizer_config.json: eos_token: is no token"}},
    {"extra_tokens_that_are_numbers",
     kConfig,
     R"({"extra_special_tokens": [5]})",
     {"extra_special_tokens: is no token"}},
    {"a_map_that_is_a_string", kMap, "\"x\"", {"special_tokens_map.json: is not an object"}},
    {"a_map_with_a_list_as_token", kMap, R"({"pad_token": []})", {"special_tokens_map.json: pad_token: is no token"}},
    {"older_tokens_that_are_a_list", kOlder, "[1]", {"added_tokens.json: is not an object"}},
    {"an_older_token_with_a_text_as_id", kOlder, R"({"<t>": "259"})", {"added_tokens.json: <t>"}},
    {"an_older_token_behind_a_gap", kOlder, R"({"<t>": 300})", {"added_tokens.json: <t>.id: expected 259, got 300"}},
};

const std::vector<Bad> kInItsPlace = {
    {"a_vocabulary_that_is_cut_off", kVocabulary, R"({"a": 0,)", {"vocab.json"}},
    {"a_vocabulary_that_is_a_list", kVocabulary, R"(["a"])", {"vocab.json: expected an object"}},
    {"an_empty_vocabulary", kVocabulary, "{}", {"vocab.json", "byte 0x00 has no token"}},
    {"a_vocabulary_with_a_gap", kVocabulary, R"({"a": 1})", {"vocab.json: a: expected an id from 0 to 0"}},
    {"a_class_without_a_pattern",
     kConfig,
     R"({"tokenizer_class": "LlamaTokenizer"})",
     {"tokenizer_class: \"LlamaTokenizer\""}},
    {"a_space_in_front", kConfig, R"({"add_prefix_space": true})", {"tokenizer_config.json: add_prefix_space"}},
    {"a_merge_of_one", kMerges, "a b\nabc\n", {"merges.txt: line 2: \"abc\" is not two tokens"}},
    {"a_merge_of_three", kMerges, "a b c", {"merges.txt: line 1", "with one space between"}},
    {"a_merge_with_two_spaces", kMerges, "a  b", {"merges.txt: line 1", "with one space between"}},
    {"a_merge_of_nothing", kMerges, " b", {"merges.txt: line 1: \"\" is not in the vocabulary"}},
    {"a_merge_of_a_missing_token", kMerges, "#version: 0.2\n\na zz", {"merges.txt: line 3: \"zz\" is not in"}},
    {"merges_with_a_byte_order_mark", kMerges, "\xef\xbb\xbf#version: 0.2\n", {"merges.txt: line 1"}},
    {"merges_that_are_no_text", kMerges, std::string("\0\xff \n", 4), {"merges.txt: line 1", "stands for no byte"}},
    {"merges_of_a_git_lfs_pointer", kMerges, "version https://git-lfs.github.com/spec/v1\n", {"merges.txt: line 1"}},
};

void expect_bad(const Bad& bad, bool with_tokenizer_json) {
  TokenizerTexts texts = good_files(with_tokenizer_json);
  texts.*bad.file.member = FileText{bad.text, bad.file.name};
  const BadInput input{bad.name, {}, ErrorCode::kBadTokenizer, bad.words, 8 << 20};
  expect_refusal(input, [&] { (void)Tokenizer::parse(texts); });
}

class BadBesideTokenizer : public ::testing::TestWithParam<Bad> {};
class BadInPlaceOfTokenizer : public ::testing::TestWithParam<Bad> {};
std::string name_of(const ::testing::TestParamInfo<Bad>& row) { return row.param.name; }
INSTANTIATE_TEST_SUITE_P(Files, BadBesideTokenizer, ::testing::ValuesIn(kBesideTokenizer), name_of);
INSTANTIATE_TEST_SUITE_P(Files, BadInPlaceOfTokenizer, ::testing::ValuesIn(kInItsPlace), name_of);

TEST_P(BadBesideTokenizer, is_refused) { expect_bad(GetParam(), true); }
TEST_P(BadInPlaceOfTokenizer, is_refused) { expect_bad(GetParam(), false); }

TEST(BadTokenizerFiles, are_accepted_before_they_are_changed) {
  EXPECT_EQ(Tokenizer::parse(good_files(true)).vocab_size(), 259);
  EXPECT_EQ(Tokenizer::parse(good_files(false)).vocab_size(), 259);  // with <|endoftext|>
}

}  // namespace
}  // namespace moebius::internal
