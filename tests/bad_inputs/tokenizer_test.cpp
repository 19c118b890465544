// tokenizer.json as a hostile file. It is cut off, has wrong types, contradicts itself, asks for features that are not
// supported, or has patterns that would never end.
#include <gtest/gtest.h>

#include <optional>
#include <ostream>

#include "bad_input.h"
#include "base/testing/expect_error.h"
#include "tokenizer/testing/tokenizers.h"

namespace moebius::internal {
namespace {

using testing::golden_json;
using testing::small_file;

// A change at one place of a good file, which has two merges and two added tokens.
struct Change {
  std::string name;
  std::string pointer;
  Json value;
  std::vector<std::string> words;
  friend std::ostream& operator<<(std::ostream& out, const Change& change) { return out << change.name; }
};

Json good_file() { return small_file({{"a", "b"}, {"ab", "c"}}, {"<s>", "<t>"}); }

Json split_by(const std::string& pattern) {
  const Json split = {
      {"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}, {"invert", false}};
  const Json byte_level = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};
  return {{"type", "Sequence"}, {"pretokenizers", {split, byte_level}}};
}

const Json kText = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
const Json kToken = {{"SpecialToken", {{"id", "<s>"}, {"type_id", 0}}}};
Json template_of(const Json& single) { return {{"type", "TemplateProcessing"}, {"single", single}}; }
const Json kMetaspace = {{"type", "Metaspace"}, {"replacement", "_"}};

const std::vector<Change> kTypes = {
    {"a_file_that_is_an_array", "", Json::array(), {"tokenizer.json: expected an object, got array"}},
    {"a_model_that_is_a_number", "/model", 3, {"model", "expected an object, got 3"}},
    {"no_model", "/model", nullptr, {"model: is missing"}},
    {"a_vocabulary_that_is_a_list", "/model/vocab", Json::array({"a"}), {"model.vocab: expected an object"}},
    {"no_vocabulary", "/model/vocab", nullptr, {"model.vocab: is missing"}},
    {"an_empty_vocabulary", "/model/vocab", Json::object(), {"expected 0, got 258"}},
    {"merges_that_are_an_object", "/model/merges", Json::object(), {"model.merges: expected an array"}},
    {"no_merges", "/model/merges", nullptr, {"model.merges: is missing"}},
    {"a_merge_that_is_a_number", "/model/merges/0", 7, {"model.merges[0]: expected two tokens"}},
    {"a_merge_of_three", "/model/merges/1", Json::array({"a", "b", "c"}), {"model.merges[1]: expected two tokens"}},
    {"a_merge_of_numbers", "/model/merges/1", Json::array({1, 2}), {"model.merges[1]: expected two tokens"}},
    {"a_merge_without_a_space", "/model/merges/1", "ab", {"model.merges[1]", "with one space between"}},
    {"a_merge_with_two_spaces", "/model/merges/1", "a b c", {"model.merges[1]", "with one space between"}},
    {"added_tokens_that_are_an_object", "/added_tokens", Json::object(), {"added_tokens: expected an array"}},
    {"an_added_token_that_is_a_string", "/added_tokens/1", "<t>", {"added_tokens[1]", "expected an object"}},
    {"an_added_token_with_a_number_as_lstrip", "/added_tokens/1/lstrip", 1, {"added_tokens[1].lstrip"}},
    {"an_added_token_without_content", "/added_tokens/1/content", nullptr, {"added_tokens[1].content: is missing"}},
    {"an_added_token_with_a_text_as_special", "/added_tokens/1/special", "yes", {"added_tokens[1].special"}},
    {"a_pre_tokenizer_that_is_a_string", "/pre_tokenizer", "ByteLevel", {"pre_tokenizer: expected an object"}},
    {"steps_that_are_numbers", "/pre_tokenizer", {{"type", "Sequence"}, {"pretokenizers", {1, 2}}}, {"pretokenizers"}},
};

const std::vector<Change> kNumbers = {
    {"an_id_of_2_to_the_31", "/model/vocab/abc", 2147483648, {"model.vocab.abc: expected an id from 0 to 257"}},
    {"an_id_of_2_to_the_64", "/model/vocab/abc", 1e20, {"model.vocab.abc: expected an id from 0 to 257"}},
    {"a_negative_id", "/model/vocab/abc", -1, {"model.vocab.abc", "got -1"}},
    {"half_an_id", "/model/vocab/abc", 0.5, {"model.vocab.abc", "got 0.5"}},
    {"an_id_in_quotes", "/model/vocab/abc", "257", {"model.vocab.abc", "got \"257\""}},
    {"an_id_that_is_a_list", "/model/vocab/abc", Json::array(), {"model.vocab.abc", "got array"}},
    {"an_id_behind_a_gap", "/model/vocab/abc", 258, {"model.vocab.abc", "expected an id from 0 to 257, got 258"}},
    {"an_id_given_twice", "/model/vocab/abc", 97, {"model.vocab.abc: id 97 is given twice"}},
    {"an_added_id_of_2_to_the_31", "/added_tokens/1/id", 2147483648, {"added_tokens[1].id", "got 2147483648"}},
    {"a_negative_added_id", "/added_tokens/1/id", -1, {"added_tokens[1].id", "got -1"}},
    {"an_added_id_behind_a_gap", "/added_tokens/1/id", 260, {"added_tokens[1].id: expected 259, got 260"}},
    {"an_added_id_given_twice", "/added_tokens/1/id", 258, {"added_tokens[1].id: expected 259, got 258"}},
    {"an_added_id_of_the_vocabulary", "/added_tokens/1/id", 97, {"added_tokens[1].id: expected 259, got 97"}},
};

const std::vector<Change> kContradictions = {
    {"a_merge_of_a_missing_token", "/model/merges/0", "a zz", {"model.merges[0]: \"zz\" is not in the vocabulary"}},
    {"a_merge_to_a_missing_token", "/model/merges/0", "b a", {"model.merges[0]: \"ba\" is not in the vocabulary"}},
    {"a_merge_of_nothing", "/model/merges/0", " b", {"model.merges[0]: \"\" is not in the vocabulary"}},
    {"a_merge_outside_the_alphabet", "/model/merges/0", "a \u4e00", {"model.merges[0]", "stands for no byte"}},
    {"a_token_without_a_character", "/model/vocab/", 258, {"model.vocab"}},
    {"an_empty_added_token", "/added_tokens/0/content", "", {"added_tokens[0].content: is empty"}},
    {"an_endless_added_token",
     "/added_tokens/0/content",
     std::string(1025, 'x'),
     {"added_tokens[0]", "more than 1024"}},
    {"an_added_token_that_is_there_twice", "/added_tokens/1/content", "<s>", {"added_tokens[1]", "is there twice"}},
    {"an_added_token_with_another_id_in_the_vocabulary",
     "/added_tokens/1/content",
     "abc",
     {"added_tokens[1].id: expected 257, as in the vocabulary, got 259"}},
};

const std::vector<Change> kUnsupported = {
    {"another_model", "/model/type", "Unigram", {"model.type: \"Unigram\" is not supported, only BPE"}},
    {"dropout", "/model/dropout", 0.1, {"model.dropout"}},
    {"a_prefix_of_words", "/model/continuing_subword_prefix", "##", {"model.continuing_subword_prefix: \"##\""}},
    {"a_suffix_of_words", "/model/end_of_word_suffix", "</w>", {"model.end_of_word_suffix: \"</w>\""}},
    {"another_normalizer", "/normalizer", {{"type", "NFKC"}}, {"normalizer.type: \"NFKC\" is not supported"}},
    {"no_pre_tokenizer", "/pre_tokenizer", nullptr, {"pre_tokenizer: is not supported"}},
    {"another_pre_tokenizer", "/pre_tokenizer", kMetaspace, {"pre_tokenizer: is not supported"}},
    {"a_space_in_front", "/pre_tokenizer/add_prefix_space", true, {"pre_tokenizer.add_prefix_space"}},
    {"bytes_that_are_not_split", "/pre_tokenizer/use_regex", false, {"pre_tokenizer.use_regex"}},
    {"tokens_around_the_text",
     "/post_processor",
     template_of(Json::array({kToken, kText})),
     {"post_processor.single: adds tokens"}},
    {"a_template_of_a_token",
     "/post_processor",
     template_of(Json::array({kToken})),
     {"post_processor.single: adds tokens"}},
    {"a_template_of_nothing", "/post_processor", template_of(Json::array()), {"post_processor.single: adds tokens"}},
    {"a_template_of_a_number",
     "/post_processor",
     template_of(Json::array({5})),
     {"post_processor.single: expected an object"}},
    {"another_post_processor", "/post_processor", kMetaspace, {"post_processor.type: \"Metaspace\" is not supported"}},
    {"another_decoder", "/decoder", kMetaspace, {"decoder.type: \"Metaspace\""}},
    {"no_decoder", "/decoder", nullptr, {"decoder: is not ByteLevel"}},
};

std::vector<Change> patterns() {
  struct Row {
    std::string name;
    std::string pattern;
    std::string word;
  };
  const std::vector<Row> rows = {
      {"a_pattern_that_is_none", "(a", "is not a regular expression"},
      {"a_pattern_that_matches_nothing", "a*", "can match nothing"},
      {"an_empty_pattern", "", "can match nothing"},
      {"a_pattern_without_end", std::string(5000, 'a'), "5000 bytes is too long"},
      {"a_pattern_that_explodes", "(((a{1000}){1000}){1000}){1000}", "is not a regular expression"},
      {"a_pattern_that_calls_itself", "(a(?1)b)", "\"(?1)\" at byte 2"},
      {"a_pattern_with_a_verb", "(*ACCEPT)a", "\"(*AC\" at byte 0"},
      {"a_pattern_with_a_callout", "a(?C1)", "(?C1"},
      {"a_pattern_with_a_back_reference", "(a)\\1", "\"\\\\1\" at byte 3"},
      {"a_pattern_with_words", "\\w+", "\"\\\\w\" at byte 0"},
      {"a_pattern_with_a_class_in_a_class", "[a[bc]]", "a class within a class"},
      {"a_pattern_with_an_intersection", "[a-z&&[^b]]", "a class within a class"},
      {"a_pattern_with_a_negation_in_a_class", "[\\S]", "at byte 1"},
      {"a_pattern_with_an_open_class", "[a", "a class without an end"},
      {"a_pattern_that_ends_in_an_escape", "a\\", "at byte 1"},
      {"a_pattern_with_an_open_property", "\\p{L", "a property without braces"},
      {"a_pattern_with_an_unknown_property", "\\p{Nope}", "is not a regular expression"},
  };
  std::vector<Change> changes;
  for (const Row& row : rows) {
    std::string word = row.word;  // the word as the message prints it
    if (const size_t at = word.find("\\\\"); at != std::string::npos) word.erase(at, 1);
    changes.push_back({row.name, "/pre_tokenizer", split_by(row.pattern), {"pretokenizers[0].pattern", word}});
  }
  return changes;
}

class BadTokenizer : public ::testing::TestWithParam<Change> {};

TEST_P(BadTokenizer, is_refused) {
  Json file = good_file();
  file[Json::json_pointer(GetParam().pointer)] = GetParam().value;
  BadInput input{GetParam().name, {}, ErrorCode::kBadTokenizer, GetParam().words, 8 << 20};
  input.words.emplace_back("tokenizer.json");
  const std::string text = file.dump();
  expect_refusal(input, [&] { (void)Tokenizer::parse(text, "tokenizer.json"); });
}

std::string name_of(const ::testing::TestParamInfo<Change>& row) { return row.param.name; }
INSTANTIATE_TEST_SUITE_P(Types, BadTokenizer, ::testing::ValuesIn(kTypes), name_of);
INSTANTIATE_TEST_SUITE_P(Numbers, BadTokenizer, ::testing::ValuesIn(kNumbers), name_of);
INSTANTIATE_TEST_SUITE_P(Contradictions, BadTokenizer, ::testing::ValuesIn(kContradictions), name_of);
INSTANTIATE_TEST_SUITE_P(Unsupported, BadTokenizer, ::testing::ValuesIn(kUnsupported), name_of);
INSTANTIATE_TEST_SUITE_P(Patterns, BadTokenizer, ::testing::ValuesIn(patterns()), name_of);

TEST(BadTokenizerFile, is_accepted_before_it_is_changed) {
  EXPECT_EQ(testing::tokenizer_of(good_file()).vocab_size(), 260);
}

TEST(BadTokenizerFile, is_refused_wherever_it_is_cut_off) {
  const std::string text = golden_json("qwen3_5").dump();
  for (size_t bytes = 0; bytes < text.size(); bytes += 509) {
    testing::expect_error(ErrorCode::kBadTokenizer, "tokenizer.json",
                          [&] { (void)Tokenizer::parse(std::string_view(text).substr(0, bytes), "tokenizer.json"); });
  }
}

TEST(BadTokenizerFile, is_refused_without_a_token_for_every_byte) {
  for (int byte = 0; byte < 256; ++byte) {
    Json file = good_file();
    const std::string spelling = spelling_of_bytes(std::string(1, static_cast<char>(byte)));
    file["model"]["vocab"].erase(spelling);
    file["model"]["vocab"]["abcabc"] = byte;
    testing::expect_error(ErrorCode::kBadTokenizer, fmt::format("byte {:#04x} has no token", byte),
                          [&] { (void)testing::tokenizer_of(file); });
  }
}

TEST(BadTokenizerFile, is_refused_with_a_key_that_is_there_twice) {
  std::string text = good_file().dump();
  text.insert(text.find("\"abc\""), "\"abc\":257,");
  testing::expect_error(ErrorCode::kBadTokenizer, "\"abc\" appears twice", [&] { (void)Tokenizer::parse(text, "t"); });
}

TEST(BadTokenizerFile, is_refused_when_it_is_nested_without_end) {
  const std::string text(100000, '[');
  testing::expect_error(ErrorCode::kBadTokenizer, "tokenizer.json",
                        [&] { (void)Tokenizer::parse(text, "tokenizer.json"); });
}

TEST(BadTokenizerPattern, ends_with_an_error_where_it_would_take_exponential_time) {
  Json file = good_file();
  for (const std::string pattern : {"^(a+)+$", "(?:a|aa)+$", "(?:a?){30}a{80}$"}) {
    file["pre_tokenizer"] = split_by(pattern);
    const Tokenizer tokenizer = testing::tokenizer_of(file);
    BadInput input{"", {}, ErrorCode::kBadTokenizer, {"tokenizer.json", "cannot split this text, at byte 0"}, 64 << 20};
    input.max_seconds = 10;
    const std::string text = std::string(100, 'a') + "!";
    expect_refusal(input, [&] { (void)tokenizer.encode(text); });
  }
}

}  // namespace
}  // namespace moebius::internal
