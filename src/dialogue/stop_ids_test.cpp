// Tests which ids end an answer.
#include "dialogue/stop_ids.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/testing/tiny_checkpoint.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace testing;

std::vector<int32_t> stop_ids(const Json& config, const std::string& generation_config = "") {
  testing::TemporaryDirectory directory;
  write_checkpoint(directory, config, tiny_tensors());
  if (!generation_config.empty()) directory.write("generation_config.json", generation_config);
  return read_stop_ids(ModelDir(directory.path()), 40);
}

Json with_eos(const Json& eos) {
  Json config = tiny_config();
  config["eos_token_id"] = eos;
  return config;
}

TEST(StopIds, are_the_union_of_all_files) {
  EXPECT_THAT(stop_ids(with_eos(7), R"({"eos_token_id": [30, 7]})"), ElementsAre(7, 30));
  Json wrapper{{"model_type", "qwen3_5_moe"}, {"eos_token_id", 5}, {"text_config", with_eos({4, 6})}};
  EXPECT_THAT(stop_ids(wrapper, R"({"eos_token_id": 9})"), ElementsAre(4, 5, 6, 9));
}

TEST(StopIds, may_be_absent) {
  EXPECT_THAT(stop_ids(with_eos(nullptr)), IsEmpty());
  EXPECT_THAT(stop_ids(with_eos(nullptr), "{}"), IsEmpty());
}

TEST(StopIds, refuse_what_is_no_token_naming_file_and_field) {
  for (const Json& eos : {Json(-1), Json(40), Json(3.5), Json("7"), Json{1, "2"}, Json(true), Json::object()}) {
    try {
      stop_ids(with_eos(nullptr), Json{{"eos_token_id", eos}}.dump());
      ADD_FAILURE() << eos << " was accepted";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kBadConfig);
      EXPECT_THAT(error.what(), HasSubstr("generation_config.json: eos_token_id"));
    }
  }
}

}  // namespace
}  // namespace moebius::internal
