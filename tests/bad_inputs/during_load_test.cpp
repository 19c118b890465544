// Row 16: files that change, vanish or lose their permissions while they are read. This must give errors and never
// signals. An open model stays readable when its files are replaced by name.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <functional>

#include "bad_input.h"
#include "base/testing/expect_error.h"
#include "base/testing/temporary_directory.h"
#include "checkpoint/model_dir.h"
#include "raw_file.h"

namespace moebius::internal {
namespace {

namespace fs = std::filesystem;

std::string good_file(char content) {
  return safetensors_file("{" + entry("a.weight", "\"U8\"", "[65536]", "[0,65536]") + "}") +
         std::string(65536, content);
}

class Row16 : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_.write("config.json", "{}");
    write_bytes(path_, good_file('x'));
  }

  static std::string read_all(const ModelDir& model) {
    std::string out(65536, '?');
    model.read(model.at("a.weight"), 0, std::as_writable_bytes(std::span(out)));
    return out;
  }

  testing::TemporaryDirectory directory_;
  fs::path path_ = directory_.path() / "model.safetensors";
};

TEST_F(Row16, a_file_truncated_while_its_tensors_are_read_is_an_error_with_the_byte) {
  const ModelDir model(directory_.path());
  fs::resize_file(path_, 1000);
  testing::expect_error(ErrorCode::kTruncated, path_.string() + ": ends at byte 1000", [&] { read_all(model); });
}

TEST_F(Row16, a_file_truncated_between_opening_and_its_header_is_an_error) {
  const File file(path_);
  fs::resize_file(path_, 20);
  testing::expect_error(ErrorCode::kTruncated, "ends at byte 20", [&] { read_safetensors_header(file); });
  fs::resize_file(path_, 3);
  testing::expect_error(ErrorCode::kTruncated, "ends at byte 3", [&] { read_safetensors_header(file); });
}

TEST_F(Row16, a_file_emptied_and_written_again_in_place_is_an_error_until_it_is_long_enough) {
  const ModelDir model(directory_.path());
  write_bytes(path_, "short");
  testing::expect_error(ErrorCode::kTruncated, "ends at byte 5", [&] { read_all(model); });
}

TEST_F(Row16, a_deleted_file_is_read_to_its_end) {
  const ModelDir model(directory_.path());
  fs::remove(path_);
  EXPECT_EQ(read_all(model), std::string(65536, 'x'));
}

TEST_F(Row16, a_file_replaced_by_name_is_read_as_it_was) {
  const ModelDir model(directory_.path());
  write_bytes(directory_.path() / "new", good_file('y'));
  fs::rename(directory_.path() / "new", path_);
  EXPECT_EQ(read_all(model), std::string(65536, 'x'));
  EXPECT_EQ(read_all(ModelDir(directory_.path())), std::string(65536, 'y'));
}

TEST_F(Row16, a_file_that_loses_its_permissions_is_read_to_its_end) {
  const ModelDir model(directory_.path());
  fs::permissions(path_, fs::perms::none);
  EXPECT_EQ(read_all(model), std::string(65536, 'x'));
}

TEST_F(Row16, another_model_is_read_on_after_one_has_failed) {
  const testing::TemporaryDirectory other;
  other.write("config.json", "{}");
  other.write("model.safetensors", good_file('z'));
  const ModelDir good(other.path());
  const ModelDir bad(directory_.path());
  fs::resize_file(path_, 1000);
  EXPECT_TRUE(testing::error_of([&] { read_all(bad); }).has_value());
  EXPECT_EQ(read_all(good), std::string(65536, 'z'));
}

// Permissions do not bind root, so the body runs in a child process as nobody. Returns the exit code of the child.
int run_as_nobody(const std::function<int()>& body) {
  constexpr uid_t kNobody = 65534;
  const pid_t child = ::fork();
  if (child == 0) {
    const bool is_bound = ::geteuid() != 0 || (::setgid(kNobody) == 0 && ::setuid(kNobody) == 0);
    ::_exit(is_bound ? body() : 99);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// Runs in the child. Returns 0 when opening the directory throws kUnreadable with exit code 66 and names `path`.
int expect_unreadable(const fs::path& directory, const fs::path& path) {
  const auto error = testing::error_of([&] { const ModelDir model(directory); });
  if (!error || error->code() != ErrorCode::kUnreadable || exit_code(error->code()) != 66) return 1;
  const std::string message = error->what();
  return message.find(path.string()) != std::string::npos && message.find("permissions") != std::string::npos ? 0 : 2;
}

class Row16Permissions : public Row16 {
 protected:
  void SetUp() override {
    Row16::SetUp();
    fs::permissions(directory_.path(), static_cast<fs::perms>(0755));
  }
  void TearDown() override { fs::permissions(directory_.path(), fs::perms::owner_all); }
};

TEST_F(Row16Permissions, weights_that_may_not_be_read_are_unreadable) {
  fs::permissions(path_, fs::perms::none);
  EXPECT_EQ(run_as_nobody([&] { return expect_unreadable(directory_.path(), path_); }), 0);
}

TEST_F(Row16Permissions, a_config_that_may_not_be_read_is_unreadable) {
  const fs::path config = directory_.path() / "config.json";
  fs::permissions(config, fs::perms::none);
  EXPECT_EQ(run_as_nobody([&] { return expect_unreadable(directory_.path(), config); }), 0);
}

TEST_F(Row16Permissions, a_directory_that_may_not_be_entered_is_unreadable) {
  fs::permissions(directory_.path(), fs::perms::none);
  EXPECT_EQ(run_as_nobody([&] { return expect_unreadable(directory_.path(), directory_.path()); }), 0);
}

TEST_F(Row16Permissions, a_directory_that_may_be_entered_but_not_listed_is_unreadable_without_an_index) {
  fs::permissions(directory_.path(), static_cast<fs::perms>(0111));
  EXPECT_EQ(run_as_nobody([&] { return expect_unreadable(directory_.path(), directory_.path()); }), 0);
}

}  // namespace
}  // namespace moebius::internal
