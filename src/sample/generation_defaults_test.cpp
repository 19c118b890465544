// generation_config.json as published, and as strangers may write it.
#include "sample/generation_defaults.h"

#include <gtest/gtest.h>

#include "base/testing/expect_error.h"

namespace moebius::internal {
namespace {

GenerationDefaults read(const std::string& text) {
  const Json json = parse_json(text, "generation_config.json");
  return read_generation_defaults(JsonObject(json, "generation_config.json"));
}

TEST(GenerationDefaults, are_read_as_published) {
  const GenerationDefaults defaults = read(R"({"bos_token_id": 151643, "do_sample": true, "eos_token_id": [1, 2],
    "temperature": 0.6, "top_k": 20, "top_p": 0.95, "transformers_version": "4.51.0"})");
  EXPECT_EQ(defaults.do_sample, true);
  EXPECT_EQ(defaults.temperature, 0.6f);
  EXPECT_EQ(defaults.top_k, 20);
  EXPECT_EQ(defaults.top_p, 0.95f);
  EXPECT_FALSE(defaults.min_p || defaults.repetition_penalty || defaults.presence_penalty ||
               defaults.frequency_penalty);
}

TEST(GenerationDefaults, become_options_field_by_field) {
  const SamplingOptions options =
      with_defaults(read(R"({"temperature": 0.7, "top_k": 3, "top_p": 0.8, "min_p": 0.1, "repetition_penalty": 1.05,
               "presence_penalty": 1.5, "frequency_penalty": -0.5})"));
  EXPECT_EQ(options.temperature, 0.7f);
  EXPECT_EQ(options.top_k, 3);
  EXPECT_EQ(options.top_p, 0.8f);
  EXPECT_EQ(options.min_p, 0.1f);
  EXPECT_EQ(options.repetition_penalty, 1.05f);
  EXPECT_EQ(options.presence_penalty, 1.5f);
  EXPECT_EQ(options.frequency_penalty, -0.5f);
}

TEST(GenerationDefaults, leave_out_what_is_absent_null_or_off) {
  const SamplingOptions plain;
  for (const char* text : {"{}", R"({"temperature": null, "top_k": null, "do_sample": null})", R"({"top_k": -1})"}) {
    const SamplingOptions options = with_defaults(read(text));
    EXPECT_EQ(options.temperature, plain.temperature) << text;
    EXPECT_EQ(options.top_k, plain.top_k) << text;
  }
}

TEST(GenerationDefaults, take_the_likeliest_token_when_the_file_says_not_to_sample) {
  EXPECT_EQ(with_defaults(read(R"({"do_sample": false, "temperature": 0.7})")).temperature, 0.0f);
}

TEST(GenerationDefaults, refuse_other_types_and_values_out_of_range) {
  struct Row {
    const char* field;
    const char* text;
  };
  const Row rows[] = {
      {"do_sample", R"({"do_sample": 1})"},
      {"temperature", R"({"temperature": "0.6"})"},
      {"temperature", R"({"temperature": -1})"},
      {"top_k", R"({"top_k": 1.5})"},
      {"top_k", R"({"top_k": -2})"},
      {"top_k", R"({"top_k": 2147483648})"},
      {"top_p", R"({"top_p": 1.5})"},
      {"min_p", R"({"min_p": [0.1]})"},
      {"repetition_penalty", R"({"repetition_penalty": 0})"},
      {"presence_penalty", R"({"presence_penalty": 3})"},
      {"frequency_penalty", R"({"frequency_penalty": true})"},
  };
  for (const Row& row : rows) {
    testing::expect_error(ErrorCode::kBadConfig, std::string("generation_config.json: ") + row.field,
                          [&] { read(row.text); });
  }
}

}  // namespace
}  // namespace moebius::internal
