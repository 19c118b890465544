// Tests files that take their name only when they are whole, and the mappings of their bytes.
#include "base/replacement_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <stdexcept>

#include "base/file.h"
#include "base/testing/expect_error.h"
#include "base/testing/temporary_directory.h"

namespace moebius::internal {
namespace {

namespace fs = std::filesystem;

class ReplacementFileTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::string text() const { return read_text(path_, 1 << 20); }

  testing::TemporaryDirectory directory_;
  fs::path path_ = directory_.path() / "file";
  fs::path temporary_ = directory_.path() / "file.tmp";
};

// Creates a file that no other process writes, and throws when one does.
ReplacementFile create(const fs::path& path) {
  std::optional<ReplacementFile> file = ReplacementFile::create(path);
  if (!file) throw std::runtime_error("is being written: " + path.string());
  return std::move(*file);
}

void fill(const Mapping& mapping, char c) { std::ranges::fill(mapping.bytes(), static_cast<std::byte>(c)); }

TEST_F(ReplacementFileTest, appears_whole_when_it_is_committed) {
  ReplacementFile file = create(path_);
  const Mapping mapping = file.extend(64, 100);  // 64 is not where a page begins
  EXPECT_TRUE(std::ranges::all_of(mapping.bytes(), [](std::byte b) { return b == std::byte{0}; }));
  fill(mapping, 'x');
  file.write(0, "head");
  EXPECT_FALSE(fs::exists(path_));
  file.commit();
  EXPECT_EQ(text(), "head" + std::string(60, '\0') + std::string(100, 'x'));
  EXPECT_FALSE(fs::exists(temporary_));
}

TEST_F(ReplacementFileTest, leaves_nothing_when_it_is_not_committed) {
  directory_.write("file", "old");
  create(path_).write(0, "new");
  EXPECT_EQ(text(), "old");
  EXPECT_FALSE(fs::exists(temporary_));
}

TEST_F(ReplacementFileTest, is_written_by_one_at_a_time) {
  ReplacementFile first = create(path_);
  EXPECT_FALSE(ReplacementFile::create(path_));
  first.commit();
  EXPECT_TRUE(ReplacementFile::create(path_));
}

TEST_F(ReplacementFileTest, takes_what_a_dead_process_left) {
  directory_.write("file.tmp", std::string(1000, 'z'));
  ReplacementFile file = create(path_);
  file.write(0, "new");
  file.commit();
  EXPECT_EQ(text(), "new");
}

TEST_F(ReplacementFileTest, who_mapped_the_old_file_keeps_it) {
  directory_.write("file", std::string(100, 'o'));
  const File old(path_);
  const Mapping mapping = old.map();
  ReplacementFile file = create(path_);
  file.write(0, "n");
  file.commit();
  EXPECT_EQ(mapping.bytes()[99], static_cast<std::byte>('o'));
}

TEST_F(ReplacementFileTest, a_full_disk_is_an_error_before_anything_is_written) {
  ReplacementFile file = create(path_);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{.rlim_cur = 1 << 16, .rlim_max = before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  testing::expect_error(ErrorCode::kIo, "cannot grow", [&] { (void)file.extend(0, 1 << 20); });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
}

TEST_F(ReplacementFileTest, a_folder_that_is_not_there_is_an_error) {
  testing::expect_error(ErrorCode::kIo, "cannot create",
                        [&] { ReplacementFile::create(directory_.path() / "no" / "file"); });
}

TEST_F(ReplacementFileTest, a_mapping_becomes_read_only) {
  ReplacementFile file = create(path_);
  const Mapping mapping = file.extend(0, 4096);
  fill(mapping, 'x');
  mapping.make_read_only();
  EXPECT_DEATH(fill(mapping, 'y'), "");
}

}  // namespace
}  // namespace moebius::internal
