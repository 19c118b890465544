// Tests the small parts of the command line: suggestions, token lists, sizes, names of models, output files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "cli/help.h"
#include "cli/loading.h"
#include "cli/output_file.h"
#include "cli/progress.h"
#include "cli/tokens.h"
#include "moebius/error.h"

namespace moebius::internal::apps {
namespace {

using testing::ElementsAre;
namespace fs = std::filesystem;

class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("moebius-apps-test-" + std::to_string(getpid()))) {
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

ErrorCode code_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.code();
  }
  ADD_FAILURE() << "nothing was thrown";
  return ErrorCode::kInternal;
}

TEST(Suggestions, find_the_nearest_word) {
  const std::vector<std::string> words = {"synth", "bench", "inspect", "-v"};
  EXPECT_EQ(closest("benhc", words), "bench");
  EXPECT_EQ(closest("inspekt", words), "inspect");
  EXPECT_EQ(closest("bench", words), "bench");
}

TEST(Suggestions, are_not_made_up_for_other_words) {
  EXPECT_EQ(closest("frobnicate", {"synth", "bench"}), "");
  EXPECT_EQ(closest("-x", {"-v"}), "-v");  // one letter of two differs
  EXPECT_EQ(closest("xy", {"-v"}), "");    // both letters differ
}

TEST(Tokens, stand_between_commas_or_white_space) {
  EXPECT_THAT(parse_tokens("1,2,3"), ElementsAre(1, 2, 3));
  EXPECT_THAT(parse_tokens(" 7 ,\n8\t2147483647\n"), ElementsAre(7, 8, 2147483647));
}

TEST(Tokens, come_from_a_file) {
  const Folder folder;
  std::ofstream(folder.path() / "ids") << "4\n5\n";
  EXPECT_THAT(parse_tokens("@" + (folder.path() / "ids").string()), ElementsAre(4, 5));
  EXPECT_EQ(code_of([&] { parse_tokens("@" + (folder.path() / "none").string()); }), ErrorCode::kMissingInput);
}

TEST(Tokens, anything_else_is_a_mistake_of_the_user) {
  for (const char* text : {"", ",", "a", "1,b", "-1", "1.5", "2147483648", "0x10"}) {
    EXPECT_EQ(code_of([&] { parse_tokens(text); }), ErrorCode::kUsage) << text;
  }
}

TEST(HumanBytes, have_three_digits_at_most) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(1000), "1.0 kB");
  EXPECT_EQ(human_bytes(99'949), "99.9 kB");
  EXPECT_EQ(human_bytes(99'950), "100 kB");
  EXPECT_EQ(human_bytes(999'500), "1.0 MB");
  EXPECT_EQ(human_bytes(15'200'000'000), "15.2 GB");
}

TEST(ModelName, is_the_last_part_of_the_path) {
  EXPECT_EQ(model_name("/models/Qwen"), "Qwen");
  EXPECT_EQ(model_name("models/Qwen/"), "Qwen");
  EXPECT_EQ(model_name("."), fs::current_path().filename().string());
}

TEST(OutputFile, appears_only_when_committed) {
  const Folder folder;
  const fs::path name = folder.path() / "out";
  {
    OutputFile file(name);
    std::ofstream(file.path()) << "half";
  }
  EXPECT_TRUE(fs::is_empty(folder.path()));
  OutputFile file(name);
  std::ofstream(file.path()) << "whole";
  file.commit();
  EXPECT_EQ(fs::file_size(name), 5u);
  EXPECT_FALSE(fs::exists(file.path()));
}

TEST(OutputFile, does_not_replace_a_directory) {
  const Folder folder;
  EXPECT_EQ(code_of([&] { const OutputFile file(folder.path()); }), ErrorCode::kExists);
}

}  // namespace
}  // namespace moebius::internal::apps
