// Tests which template of a directory is taken, and with which special tokens.
#include "template/chat_files.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "base/testing/expect_error.h"
#include "base/testing/temporary_directory.h"

namespace moebius::internal {
namespace {

// The source that is chosen, or null when the choice is an error.
Json chosen(const ChatFiles& files, const Json& tools) {
  try {
    return files.choose(tools).source();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kMissingInput);
    return nullptr;
  }
}

TEST(ChatFiles, choose_the_template_that_transformers_chooses) {
  const std::string path = MOEBIUS_SOURCE_DIR "/tests/golden/templates/places.json";
  for (const Json& row : parse_json(read_text(path, 1 << 20), path)) {
    const testing::TemporaryDirectory directory;
    for (const auto& [name, content] : row["files"].items()) {
      directory.write(name, content.is_string() ? content.get<std::string>() : content.dump());
    }
    const ChatFiles files = read_chat_files(directory.path());
    EXPECT_EQ(chosen(files, nullptr), row["plain"]) << row["name"];
    EXPECT_EQ(chosen(files, Json::array()), row["plain"]) << row["name"];
    EXPECT_EQ(chosen(files, Json::array({1})), row["with_tools"]) << row["name"];
  }
}

TEST(ChatFiles, name_the_templates_that_are_there_when_none_is_the_default) {
  const testing::TemporaryDirectory directory;
  for (const char* name : {"rag", "tool_use"}) {
    directory.write(std::string("additional_chat_templates/") + name + ".jinja", "x");
  }
  const ChatFiles files = read_chat_files(directory.path());
  testing::expect_error(ErrorCode::kMissingInput, "names \"rag\", \"tool_use\", and none", [&] { files.choose({}); });
}

TEST(ChatFiles, take_nothing_but_files_from_the_folder_of_templates) {
  const testing::TemporaryDirectory directory;
  directory.write("additional_chat_templates/tool_use.jinja/file", "x");
  std::filesystem::create_symlink("nowhere", directory.path() / "additional_chat_templates/default.jinja");
  directory.write("chat_template.jinja", "F");
  EXPECT_EQ(chosen(read_chat_files(directory.path()), Json::array({1})), "F");
}

TEST(ChatFiles, tell_the_names_of_all_files_that_are_read) {
  const testing::TemporaryDirectory directory;
  directory.write("additional_chat_templates/rag.jinja", "x");
  std::vector<std::string> names;
  for (const auto& name : chat_file_names(directory.path())) names.push_back(name.string());
  EXPECT_THAT(names, ::testing::UnorderedElementsAre("chat_template.jinja", "additional_chat_templates/rag.jinja",
                                                     "tokenizer_config.json", "processor_config.json",
                                                     "special_tokens_map.json", "chat_template.json"));
}

TEST(ChatFiles, refuse_a_folder_of_very_many_templates) {
  const testing::TemporaryDirectory directory;
  for (int i = 0; i < 65; ++i) directory.write(fmt::format("additional_chat_templates/{}.jinja", i), "x");
  testing::expect_error(ErrorCode::kBadTokenizer, "more than 64 templates", [&] { read_chat_files(directory.path()); });
}

TEST(ChatFiles, read_special_tokens_as_strings_and_as_objects) {
  const testing::TemporaryDirectory directory;
  directory.write("chat_template.jinja", "x");
  directory.write("tokenizer_config.json",
                  R"({"bos_token": {"content": "<s>", "lstrip": false}, "eos_token": "</s>", "pad_token": null})");
  const SpecialTokens expected = {{"bos_token", "<s>"}, {"eos_token", "</s>"}};
  EXPECT_EQ(read_chat_files(directory.path()).special_tokens, expected);
}

TEST(ChatFiles, read_special_tokens_from_the_older_map_where_the_config_lists_no_tokens) {
  const testing::TemporaryDirectory directory;
  directory.write("special_tokens_map.json", R"({"eos_token": {"content": "</m>"}, "pad_token": "<p>"})");
  directory.write("tokenizer_config.json", R"({"bos_token": "<s>", "eos_token": "</s>"})");
  const SpecialTokens with_map = {{"bos_token", "<s>"}, {"eos_token", "</m>"}, {"pad_token", "<p>"}};
  EXPECT_EQ(read_chat_files(directory.path()).special_tokens, with_map);
  directory.write("tokenizer_config.json", R"({"eos_token": "</s>", "added_tokens_decoder": {}})");
  const SpecialTokens alone = {{"eos_token", "</s>"}};
  EXPECT_EQ(read_chat_files(directory.path()).special_tokens, alone);
}

TEST(ChatFiles, without_a_template_refuse_to_choose_one) {
  const testing::TemporaryDirectory directory;
  directory.write("tokenizer_config.json", R"({"eos_token": "</s>"})");
  const ChatFiles files = read_chat_files(directory.path());
  EXPECT_EQ(files.special_tokens.size(), 1);
  testing::expect_error(ErrorCode::kMissingInput, "has no chat template", [&] { files.choose(Json()); });
}

TEST(ChatFiles, refuse_what_is_no_template) {
  struct Bad {
    const char* file;
    const char* text;
    ErrorCode code;
    const char* words;
  };
  constexpr const char* kConfig = "tokenizer_config.json";
  const Bad rows[] = {
      {kConfig, "[]", ErrorCode::kBadTokenizer, "is not an object"},
      {kConfig, "{", ErrorCode::kInvalidJson, "tokenizer_config.json"},
      {kConfig, R"({"chat_template": 5})", ErrorCode::kBadTokenizer, "chat_template: is no template"},
      {kConfig, R"({"chat_template": [{"name": "default"}]})", ErrorCode::kBadTokenizer, "no template"},
      {kConfig, R"({"chat_template": ["x"]})", ErrorCode::kBadTokenizer, "no name"},
      {kConfig, R"({"chat_template": {"rag": 5}})", ErrorCode::kBadTokenizer, "\"rag\": is no template"},
      {kConfig, R"({"chat_template": "{% if %}"})", ErrorCode::kBadTemplate, "tokenizer_config.json: chat_template: l"},
      {kConfig, R"({"chat_template": "x", "bos_token": 5})", ErrorCode::kBadTokenizer, "bos_token: is no token"},
      {"processor_config.json", "[]", ErrorCode::kBadTokenizer, "processor_config.json: is not an object"},
      {"chat_template.json", "\"x\"", ErrorCode::kBadTokenizer, "chat_template.json: is not an object"},
      {"chat_template.json", R"({"chat_template": "{{"})", ErrorCode::kBadTemplate,
       "chat_template.json: chat_template"},
      {"additional_chat_templates/tool_use.jinja", "{{", ErrorCode::kBadTemplate, "tool_use.jinja: line 1"},
  };
  for (const Bad& row : rows) {
    const testing::TemporaryDirectory directory;
    directory.write(row.file, row.text);
    testing::expect_error(row.code, row.words, [&] { (void)read_chat_files(directory.path()); });
  }
}

}  // namespace
}  // namespace moebius::internal
