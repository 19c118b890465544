// Tests which template of a directory is taken, and with which special tokens.
#include "template/chat_files.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/testing/expect_error.h"
#include "base/testing/temporary_directory.h"

namespace moebius::internal {
namespace {

void write(const std::filesystem::path& path, const std::string& text) { std::ofstream(path) << text; }

struct Row {
  const char* name;
  const char* config;  // tokenizer_config.json; nullptr: none
  const char* file;    // chat_template.jinja
  const char* plain;   // the source for a request without tools
  const char* with_tools;
};

TEST(ChatFiles, choose_the_template_of_the_file_before_that_of_the_config) {
  const Row rows[] = {
      {"a file alone", nullptr, "F", "F", "F"},
      {"a file and a config", R"({"chat_template": "C"})", "F", "F", "F"},
      {"a config alone", R"({"chat_template": "C"})", nullptr, "C", "C"},
      {"a list", R"({"chat_template": [{"name": "tool_use", "template": "T"}, {"name": "default", "template": "D"}]})",
       nullptr, "D", "T"},
      {"a list without tools", R"({"chat_template": [{"name": "default", "template": "D"}]})", nullptr, "D", "D"},
  };
  for (const Row& row : rows) {
    const testing::TemporaryDirectory directory;
    if (row.config != nullptr) write(directory.path() / "tokenizer_config.json", row.config);
    if (row.file != nullptr) write(directory.path() / "chat_template.jinja", row.file);
    const ChatFiles files = read_chat_files(directory.path());
    EXPECT_EQ(files.choose(nullptr).source(), row.plain) << row.name;
    EXPECT_EQ(files.choose(Json::array()).source(), row.plain) << row.name;
    EXPECT_EQ(files.choose(Json::array({1})).source(), row.with_tools) << row.name;
  }
}

TEST(ChatFiles, read_special_tokens_as_strings_and_as_objects) {
  const testing::TemporaryDirectory directory;
  write(directory.path() / "chat_template.jinja", "x");
  write(directory.path() / "tokenizer_config.json",
        R"({"bos_token": {"content": "<s>", "lstrip": false}, "eos_token": "</s>", "pad_token": null})");
  const SpecialTokens expected = {{"bos_token", "<s>"}, {"eos_token", "</s>"}};
  EXPECT_EQ(read_chat_files(directory.path()).special_tokens, expected);
}

TEST(ChatFiles, without_a_template_refuse_to_choose_one) {
  const testing::TemporaryDirectory directory;
  write(directory.path() / "tokenizer_config.json", R"({"eos_token": "</s>"})");
  const ChatFiles files = read_chat_files(directory.path());
  EXPECT_EQ(files.special_tokens.size(), 1);
  testing::expect_error(ErrorCode::kMissingInput, "has no chat template", [&] { files.choose(Json()); });
}

TEST(ChatFiles, refuse_what_is_no_template) {
  struct Bad {
    const char* config;
    ErrorCode code;
    const char* words;
  };
  const Bad rows[] = {
      {"[]", ErrorCode::kBadTokenizer, "is not an object"},
      {"{", ErrorCode::kInvalidJson, "tokenizer_config.json"},
      {R"({"chat_template": 5})", ErrorCode::kBadTokenizer, "neither a template"},
      {R"({"chat_template": []})", ErrorCode::kBadTokenizer, "with the name"},
      {R"({"chat_template": [{"name": "default"}]})", ErrorCode::kBadTokenizer, "no template"},
      {R"({"chat_template": ["x"]})", ErrorCode::kBadTokenizer, "no name"},
      {R"({"chat_template": "{% if %}"})", ErrorCode::kBadTemplate, "tokenizer_config.json: chat_template: line 1"},
      {R"({"chat_template": "x", "bos_token": 5})", ErrorCode::kBadTokenizer, "bos_token: is no token"},
  };
  for (const Bad& row : rows) {
    const testing::TemporaryDirectory directory;
    write(directory.path() / "tokenizer_config.json", row.config);
    testing::expect_error(row.code, row.words, [&] { (void)read_chat_files(directory.path()); });
  }
}

}  // namespace
}  // namespace moebius::internal
