// Rows 14 and 15: files that are very large, that are cut off anywhere, or in which one byte is changed.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "bad_input.h"
#include "base/testing/allocation_meter.h"
#include "base/testing/expect_error.h"
#include "base/testing/temporary_directory.h"
#include "checkpoint/header_reader.h"
#include "checkpoint/model_dir.h"
#include "raw_file.h"

namespace moebius::internal {
namespace {

namespace fs = std::filesystem;

// Returns a header for tensors of one byte each. The names are as long as real ones.
std::string header_of_small_tensors(size_t count) {
  std::string header = "{";
  for (size_t i = 0; i < count; ++i) {
    fmt::format_to(std::back_inserter(header),
                   R"({}"layers.{:07}.experts.down_proj":{{"dtype":"U8","shape":[1],"data_offsets":[{},{}]}})",
                   i > 0 ? "," : "", i, i, i + 1);
  }
  return header + "}";
}

TEST(Row14, a_million_tensors_in_a_header_of_90_megabytes_are_too_many) {
  constexpr size_t kTensors = 1'000'000;
  const std::string file = safetensors_file(header_of_small_tensors(kTensors), kTensors);
  const testing::TemporaryDirectory directory;
  directory.write("config.json", "{}");
  directory.write("model.safetensors", file);
  const BadInput input = {.name = "",
                          .build = {},
                          .code = ErrorCode::kTooManyTensors,
                          .words = {"model.safetensors", "more than 262144 tensors"},
                          .max_bytes = 2 * file.size(),
                          .max_seconds = 3};
  EXPECT_GT(file.size(), 90'000'000u);
  expect_refusal(input, [&] { const ModelDir model(directory.path()); });
}

TEST(Row14, as_many_tensors_as_the_limit_are_read_within_three_seconds) {
  const testing::TemporaryDirectory directory;
  directory.write("config.json", "{}");
  directory.write("model.safetensors", safetensors_file(header_of_small_tensors(kMaxTensors), kMaxTensors));
  const double start = thread_seconds();
  const ModelDir model(directory.path());
  EXPECT_LT(thread_seconds() - start, 3 * slow_build_factor());
  EXPECT_EQ(model.tensors().size(), kMaxTensors);
}

class Row15 : public ::testing::Test {
 protected:
  void SetUp() override { directory_.write("config.json", "{}"); }

  std::optional<Error> open(std::string_view bytes) const {
    write_bytes(path_, bytes);
    return testing::error_of([&] { const ModelDir model(directory_.path()); });
  }

  static void expect_cut_off(const std::optional<Error>& error, size_t bytes) {
    ASSERT_TRUE(error.has_value()) << bytes;
    const ErrorCode expected = bytes < 8 ? ErrorCode::kHeaderTooSmall : ErrorCode::kTruncated;
    EXPECT_EQ(name(error->code()), name(expected)) << bytes << ": " << error->what();
    EXPECT_NE(std::string(error->what()).find(fmt::format("has {} ", bytes)), std::string::npos) << error->what();
    EXPECT_EQ(exit_code(error->code()), 65);
  }

  static constexpr size_t kDataBytes = 4096;
  const std::string header_ = R"({"__metadata__":{"format":"pt"},)" + entry("a", "\"F32\"", "[16,32]", "[0,2048]") +
                              "," + entry("b", "\"BF16\"", "[1024]", "[2048,4096]") + "}   ";
  const std::string whole_ = safetensors_file(header_, kDataBytes);
  const size_t data_begin_ = 8 + header_.size();
  testing::TemporaryDirectory directory_;
  fs::path path_ = directory_.path() / "model.safetensors";
};

TEST_F(Row15, the_file_is_good_before_it_is_cut) { EXPECT_FALSE(open(whole_).has_value()); }

TEST_F(Row15, a_file_cut_at_any_byte_of_the_header_is_truncated) {
  for (size_t bytes = 0; bytes < data_begin_; ++bytes) expect_cut_off(open(whole_.substr(0, bytes)), bytes);
}

TEST_F(Row15, a_file_cut_at_any_of_256_bytes_of_the_data_is_truncated) {
  std::mt19937 random(15);
  std::uniform_int_distribution<size_t> any_byte(data_begin_, whole_.size() - 1);
  for (int i = 0; i < 256; ++i) {
    const size_t bytes = any_byte(random);
    expect_cut_off(open(whole_.substr(0, bytes)), bytes);
  }
}

// Some changes give no error, for example a changed name. No change may do worse than give an error.
TEST_F(Row15, a_file_with_any_byte_of_the_header_changed_is_accepted_or_refused) {
  std::mt19937 random(16);
  int refused = 0;
  for (size_t at = 0; at < data_begin_; ++at) {
    std::string changed = whole_;
    changed[at] = static_cast<char>(changed[at] ^ (1 << random() % 8));
    const auto error = open(changed);
    if (!error) continue;
    EXPECT_EQ(exit_code(error->code()), 65) << at << ": " << error->what();
    ++refused;
  }
  EXPECT_GT(refused, 150);
}

}  // namespace
}  // namespace moebius::internal
