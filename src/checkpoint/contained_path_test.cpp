// Tests which links of a checkpoint are followed. tests/bad_inputs has the links that no place makes right.
#include "checkpoint/contained_path.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/testing/expect_error.h"
#include "base/testing/temporary_directory.h"

namespace moebius::internal {
namespace {

namespace fs = std::filesystem;

const std::string kHash(64, 'a');
constexpr const char* kSnapshot = "models--a--b/snapshots/1";
constexpr uid_t kSomebody = 12345;

class Links : public ::testing::Test {
 protected:
  ~Links() override { set_user_cache({}); }

  // Makes a snapshot in the cache. Its file `f` is a link to `target`.
  void link(const fs::path& target) const {
    fs::create_directories(snapshot_);
    fs::create_directories(cache_.path() / "models--a--b/blobs");
    fs::create_symlink(target, snapshot_ / "f");
  }
  static bool is_followed(const fs::path& directory) {
    return !testing::error_of([&] { contained_path(directory, "f"); });
  }
  [[nodiscard]] bool is_followed() const { return is_followed(snapshot_); }

  testing::TemporaryDirectory cache_;
  testing::TemporaryDirectory disk_;
  fs::path snapshot_ = cache_.path() / kSnapshot;
};

TEST_F(Links, to_blobs_of_the_same_entry_are_followed_in_any_cache) {
  cache_.write("models--a--b/blobs/h", "x");
  link("../../blobs/h");
  EXPECT_TRUE(is_followed());
}

TEST_F(Links, of_a_folder_of_a_snapshot_are_followed_to_the_blobs_too) {
  cache_.write("models--a--b/blobs/h", "x");
  fs::create_directories(snapshot_ / "4bit");
  fs::create_symlink("../../../blobs/h", snapshot_ / "4bit/f");
  EXPECT_TRUE(is_followed(snapshot_ / "4bit"));
}

TEST_F(Links, to_the_store_that_entries_share_are_followed_in_any_cache) {
  cache_.write("blobs/aa/" + kHash, "x");
  link("../../blobs/h");
  fs::create_symlink("../../blobs/aa/" + kHash, cache_.path() / "models--a--b/blobs/h");
  EXPECT_TRUE(is_followed());
}

TEST_F(Links, to_what_only_lies_beside_the_shared_store_are_not_followed) {
  for (const std::string& name :
       {std::string("blobs/aa/secret"), "blobs/bb/" + kHash, "blobs/" + kHash, "x/" + kHash}) {
    cache_.write(name, "x");
    link(cache_.path() / name);
    EXPECT_FALSE(is_followed()) << name;
    fs::remove(snapshot_ / "f");
  }
}

TEST_F(Links, of_single_files_to_another_disk_are_followed_in_the_cache_of_the_user_alone) {
  link(disk_.write("weights", "x"));
  EXPECT_FALSE(is_followed());
  set_user_cache(disk_.path() / "another");
  EXPECT_FALSE(is_followed());
  set_user_cache(cache_.path());
  EXPECT_TRUE(is_followed());
}

TEST_F(Links, of_all_blobs_to_another_disk_are_followed_in_the_cache_of_the_user_alone) {
  disk_.write("blobs/h", "x");
  link("../../blobs/h");
  fs::remove(cache_.path() / "models--a--b/blobs");
  fs::create_directory_symlink(disk_.path() / "blobs", cache_.path() / "models--a--b/blobs");
  EXPECT_FALSE(is_followed());
  set_user_cache(cache_.path());
  EXPECT_TRUE(is_followed());
}

TEST_F(Links, of_a_cache_that_is_reached_through_links_are_followed) {
  link(disk_.write("weights", "x"));
  fs::create_directory_symlink(cache_.path(), disk_.path() / "cache");
  set_user_cache(disk_.path() / "cache");
  EXPECT_TRUE(is_followed());
  EXPECT_TRUE(is_followed(disk_.path() / "cache" / kSnapshot));
}

TEST_F(Links, of_an_entry_on_another_disk_are_followed) {
  const testing::TemporaryDirectory third;
  fs::create_directories(disk_.path() / "entry/snapshots/1");
  fs::create_symlink(third.write("weights", "x"), disk_.path() / "entry/snapshots/1/f");
  fs::create_directory_symlink(disk_.path() / "entry", cache_.path() / "models--a--b");
  set_user_cache(cache_.path() / "");
  EXPECT_TRUE(is_followed());
  EXPECT_FALSE(is_followed(disk_.path() / "entry/snapshots/1"));
}

TEST_F(Links, out_of_the_cache_of_the_user_are_not_followed_to_files_of_others) {
  link("/etc/passwd");
  if (::geteuid() == 0) {  // everything is root's, the snapshot too
    ASSERT_EQ(::chown(snapshot_.c_str(), kSomebody, static_cast<gid_t>(-1)), 0);
  }
  set_user_cache(cache_.path());
  testing::expect_error(ErrorCode::kPathEscape, "f: is a link to /etc/passwd", [&] { contained_path(snapshot_, "f"); });
}

TEST_F(Links, from_anywhere_into_the_cache_of_the_user_are_followed) {
  cache_.write("models--a--b/blobs/h", "x");
  fs::create_symlink(cache_.path() / "models--a--b/blobs/h", disk_.path() / "f");
  EXPECT_FALSE(is_followed(disk_.path()));
  set_user_cache(cache_.path());
  EXPECT_TRUE(is_followed(disk_.path()));
}

TEST_F(Links, that_leave_the_cache_by_its_parent_are_not_followed) {
  fs::create_directories(cache_.path() / "hub");
  cache_.write("token", "secret");
  fs::create_symlink(cache_.path() / "hub/../token", disk_.path() / "f");
  set_user_cache(cache_.path() / "hub");
  EXPECT_FALSE(is_followed(disk_.path()));
}

TEST_F(Links, to_nothing_are_left_to_the_opening) {
  link(disk_.path() / "gone");
  EXPECT_TRUE(is_followed());
}

}  // namespace
}  // namespace moebius::internal
