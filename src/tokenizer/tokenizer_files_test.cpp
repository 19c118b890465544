// The files of a tokenizer beside tokenizer.json, and in its place: which added tokens they name, and what becomes of
// vocab.json and merges.txt. tests/golden/make_added_tokens.py asked `transformers`.
#include <gtest/gtest.h>

#include <cstdint>

#include "base/testing/expect_error.h"
#include "tokenizer/testing/tokenizers.h"

namespace moebius::internal {
namespace {

using testing::golden_json;
using testing::small_file;
using testing::tokenizer_of;
using Ids = std::vector<int32_t>;

std::optional<FileText> file_in(const Json& files, const char* name) {
  if (!files.contains(name)) return std::nullopt;
  return FileText{files[name].dump(), name};
}

TokenizerTexts other_files(const Json& files) {
  TokenizerTexts texts;
  texts.config = file_in(files, "tokenizer_config.json");
  texts.special_tokens = file_in(files, "special_tokens_map.json");
  texts.added_tokens = file_in(files, "added_tokens.json");
  return texts;
}

std::string merges_text(const Json& merges, const std::string& newline) {
  std::string text = "#version: 0.2" + newline;
  for (const Json& merge : merges) text += merge[0].get<std::string>() + " " + merge[1].get<std::string>() + newline;
  return text;
}

TokenizerTexts vocabulary_files(const Json& tokenizer, const std::string& newline, const Json& files) {
  TokenizerTexts texts = other_files(files);
  texts.vocabulary = {tokenizer["model"]["vocab"].dump(), "vocab.json"};
  texts.merges = {merges_text(tokenizer["model"]["merges"], newline), "merges.txt"};
  return texts;
}

void expect_ids(const Tokenizer& tokenizer, const Json& golden) {
  for (size_t i = 0; i < golden["texts"].size(); ++i) {
    const Json& text = golden["texts"][i];
    EXPECT_EQ(tokenizer.encode(text.get<std::string>()), golden["ids"][i].get<Ids>()) << golden["name"] << " " << text;
  }
}

TEST(TokenizerFiles, name_the_added_tokens_that_transformers_finds) {
  Json tokenizer = golden_json("qwen2");
  for (const Json& golden : golden_json("files")["tokenizer_json"]) {
    tokenizer["added_tokens"] = golden["added"];
    TokenizerTexts texts = other_files(golden["files"]);
    texts.tokenizer = {tokenizer.dump(), "tokenizer.json"};
    expect_ids(Tokenizer::parse(texts), golden);
  }
}

TEST(TokenizerFiles, are_a_vocabulary_and_merges_where_there_is_no_tokenizer_json) {
  const Json tokenizer = golden_json("qwen3_5");
  for (const Json& golden : golden_json("files")["vocabulary"]) {
    TokenizerTexts texts = vocabulary_files(tokenizer, golden["newline"].get<std::string>(), golden["files"]);
    texts.model_type = golden["model_type"].get<std::string>();
    expect_ids(Tokenizer::parse(texts), golden);
  }
}

TEST(TokenizerFiles, may_have_merges_with_empty_lines_and_without_a_last_newline) {
  const Json tokenizer = small_file({{"a", "b"}, {"ab", "c"}});
  TokenizerTexts texts = vocabulary_files(tokenizer, "\n", Json::object());
  for (const char* merges : {"a b\n\nab c", "a b\nab c\n\r\n", "#version: 0.2\r\na b\r\nab c"}) {
    texts.merges->text = merges;
    EXPECT_EQ(Tokenizer::parse(texts).encode("abcab"), (Ids{257, 256})) << merges;
  }
}

TEST(TokenizerFiles, that_say_nothing_give_the_vocabulary_an_end_of_text) {
  const TokenizerTexts texts = vocabulary_files(small_file({}), "\n", Json::object());
  EXPECT_EQ(Tokenizer::parse(texts).encode("<|endoftext|>"), Ids{256});
  TokenizerTexts other = texts;
  other.config = {R"({"eos_token": null, "pad_token": "<p>", "unk_token": null})", "tokenizer_config.json"};
  EXPECT_EQ(Tokenizer::parse(other).encode("<p>"), Ids{256});
}

TEST(TokenizerFiles, may_have_a_post_processor_that_adds_nothing) {
  Json file = small_file({}, {"<s>"});
  const Json text = {{"Sequence", {{"id", "A"}, {"type_id", 0}}}};
  const Json nothing = {{"type", "TemplateProcessing"}, {"single", {text}}, {"special_tokens", Json::object()}};
  for (const Json& processor :
       {nothing, Json{{"type", "Sequence"}, {"processors", {{{"type", "ByteLevel"}}, nothing}}}}) {
    file["post_processor"] = processor;
    EXPECT_EQ(tokenizer_of(file).encode("a<s>"), (Ids{'a', 256}));
  }
}

TEST(TokenizerFiles, give_added_tokens_flags_that_users_words_do_not_change) {
  Json file = small_file({}, {"<l>"});
  file["added_tokens"][0]["lstrip"] = true;
  const Tokenizer tokenizer = tokenizer_of(file);
  EXPECT_EQ(tokenizer.encode(MarkedText{"a  <l>b", {{0, 3}}}), (Ids{'a', 256, 'b'}));
  EXPECT_EQ(tokenizer.encode(MarkedText{"a <l>", {{2, 3}}}), (Ids{'a', ' ', '<', 'l', '>'}));
}

}  // namespace
}  // namespace moebius::internal
