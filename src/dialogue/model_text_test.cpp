// Tests what is read of a directory beside its weights: which tokens end a turn, and which files may be read at all.
#include "dialogue/model_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>

#include "base/testing/expect_error.h"
#include "base/testing/temporary_directory.h"
#include "tokenizer/testing/tokenizers.h"

namespace moebius::internal {
namespace {

using ::testing::ElementsAre;
using testing::TemporaryDirectory;

const std::vector<std::string> kAdded = {"<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|user|>", "<think>"};
enum : int32_t { kEndOfText = 256, kStart, kEnd, kUser };

TemporaryDirectory& with_tokenizer(TemporaryDirectory& directory) {
  directory.write("tokenizer.json", testing::small_file({}, kAdded).dump());
  return directory;
}

struct Row {
  std::string name;
  std::string chat_template;
  std::vector<int32_t> ends;
  friend std::ostream& operator<<(std::ostream& out, const Row& row) { return out << row.name; }
};

const Row kRows[] = {
    {"chatml", "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}", {kEnd}},
    {"turns_that_begin_with_a_token",
     "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}\n{% endfor %}",
     {kUser}},
    {"eos_token_behind_a_space", "{% for m in messages %}{{ m.content }} {{ eos_token }}{% endfor %}", {kEndOfText}},
    {"an_answer_that_is_trimmed",
     "{% for m in messages %}{{ m.role + ': ' + m.content | trim }}<|im_end|>{% endfor %}",
     {kEnd}},
    {"thinking_before_the_answer",
     "{% for m in messages %}<|im_start|><think>{{ m.content }}<|im_end|>{% endfor %}",
     {kEnd}},
    {"another_end_with_tools",
     "{% for m in messages %}{{ m.content }}{{ '<|user|>' if tools else '<|im_end|>' }}{% endfor %}",
     {kEnd, kUser}},
    {"no_added_token", "{% for m in messages %}{{ m.role }}: {{ m.content }}\n\n{% endfor %}", {}},
    {"a_token_that_the_tokenizer_lacks", "{% for m in messages %}{{ m.content }}<|end|>{% endfor %}", {}},
    {"the_last_message_alone", "<|im_start|>{{ messages[-1].content }}<|im_end|>", {}},
    {"the_answer_behind_the_questions", "{{ messages[2].content }}<|im_end|>{{ messages[1].content }}", {}},
    {"one_message_and_no_more", "{% if messages | length > 1 %}{{ raise_exception('no') }}{% endif %}", {}},
};

class EndOfTurn : public ::testing::TestWithParam<Row> {};
INSTANTIATE_TEST_SUITE_P(ModelText, EndOfTurn, ::testing::ValuesIn(kRows),
                         [](const auto& row) { return row.param.name; });

TEST_P(EndOfTurn, is_what_the_template_writes_behind_an_answer) {
  TemporaryDirectory directory;
  with_tokenizer(directory).write("chat_template.jinja", GetParam().chat_template);
  directory.write("tokenizer_config.json", R"({"eos_token": "<|endoftext|>"})");
  std::vector<int32_t> expected = {kEndOfText};
  for (const int32_t id : GetParam().ends) {
    if (id != kEndOfText) expected.push_back(id);
  }
  EXPECT_EQ(load_model_text(directory.path().string()).ends_of_turn, expected);
}

TEST(ModelText, needs_no_file_that_names_the_end_of_a_turn) {
  TemporaryDirectory directory;
  with_tokenizer(directory).write("chat_template.jinja", kRows[0].chat_template);
  const ModelText text = load_model_text(directory.path().string());
  EXPECT_THAT(text.ends_of_turn, ElementsAre(kEnd));
  EXPECT_THAT(stop_ids({7, kEnd}, text), ElementsAre(7, kEnd));
  EXPECT_THAT(stop_ids({7}, text), ElementsAre(7, kEnd));
}

TEST(ModelText, takes_the_end_of_a_turn_from_the_template_for_tools_too) {
  TemporaryDirectory directory;
  with_tokenizer(directory).write("chat_template.jinja", kRows[0].chat_template);
  directory.write("additional_chat_templates/tool_use.jinja", kRows[1].chat_template);
  EXPECT_THAT(load_model_text(directory.path().string()).ends_of_turn, ElementsAre(kEnd, kUser));
}

TEST(ModelText, has_no_end_of_turn_without_a_template) {
  TemporaryDirectory directory;
  EXPECT_TRUE(load_model_text(with_tokenizer(directory).path().string()).ends_of_turn.empty());
}

TEST(ModelText, has_a_vocabulary_and_merges_in_place_of_a_tokenizer_json) {
  const Json tokenizer = testing::small_file({{"a", "b"}});
  const TemporaryDirectory directory;
  const std::string name = directory.path().string();
  directory.write("vocab.json", tokenizer["model"]["vocab"].dump());
  EXPECT_FALSE(has_tokenizer(name));
  testing::expect_error(ErrorCode::kMissingInput, "tokenizer.json", [&] { (void)load_tokenizer(name); });
  directory.write("merges.txt", "a b\r\n");
  directory.write("added_tokens.json", R"({"<s>": 257})");
  EXPECT_TRUE(has_tokenizer(name));
  EXPECT_THAT(load_tokenizer(name).encode("ab<s>"), ElementsAre(256, 257));
}

TEST(ModelText, splits_the_words_of_a_vocabulary_as_its_family_does) {
  const Json tokenizer = testing::small_file({{"\xb9", "\xe0"}});
  const TemporaryDirectory directory;
  directory.write("vocab.json", tokenizer["model"]["vocab"].dump());
  directory.write("merges.txt", "\u00b9 \u00e0\n");
  const std::string text = "\u0939\u093f";  // a letter and a mark
  std::vector<std::vector<int32_t>> ids;
  for (const char* type : {"qwen3_moe", "qwen3_5_moe"}) {
    directory.write("config.json", Json{{"model_type", type}}.dump());
    ids.push_back(load_tokenizer(directory.path().string()).encode(text));
  }
  EXPECT_THAT(ids[0], ElementsAre(0xe0, 0xa4, 0xb9, 0xe0, 0xa4, 0xbf));
  EXPECT_THAT(ids[1], ElementsAre(0xe0, 0xa4, 256, 0xa4, 0xbf));
}

TEST(ModelText, reads_no_file_outside_of_the_directory) {
  const TemporaryDirectory elsewhere;
  for (const std::string name : {"additional_chat_templates", "additional_chat_templates/tool_use.jinja",
                                 "chat_template.json", "chat_template.jinja", "tokenizer_config.json", "tokenizer.json",
                                 "generation_config.json", "special_tokens_map.json", "added_tokens.json"}) {
    TemporaryDirectory directory;
    with_tokenizer(directory);
    const auto link = directory.path() / name;
    std::filesystem::create_directories(link.parent_path());
    std::filesystem::remove(link);
    std::filesystem::create_symlink(elsewhere.write("file", "x"), link);
    testing::expect_error(ErrorCode::kPathEscape, name, [&] { (void)load_model_text(directory.path().string()); });
  }
}

}  // namespace
}  // namespace moebius::internal
