// Files that are not there, not regular, or change under the reader; outputs that appear whole or not at all.
#include "base/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <functional>
#include <vector>

#include "base/io_error.h"
#include "base/testing/expect_error.h"
#include "base/testing/temporary_directory.h"

namespace moebius::internal {
namespace {

namespace fs = std::filesystem;

std::string read_string(const File& file, uint64_t offset, size_t count) {
  std::string out(count, '?');
  file.read(offset, std::as_writable_bytes(std::span(out)));
  return out;
}

class Files : public ::testing::Test {
 protected:
  testing::TemporaryDirectory directory_;
};

TEST_F(Files, are_read_at_any_offset) {
  const File file(directory_.write("a", "0123456789"));
  EXPECT_EQ(file.size(), 10u);
  EXPECT_EQ(read_string(file, 3, 4), "3456");
  EXPECT_EQ(read_string(file, 10, 0), "");
}

TEST_F(Files, that_are_absent_are_missing_input) {
  const fs::path path = directory_.path() / "absent";
  testing::expect_error(ErrorCode::kMissingInput, path.string(), [&] { File file(path); });
  const fs::path below_a_file = directory_.write("file", "") / "x";
  testing::expect_error(ErrorCode::kMissingInput, "file/x", [&] { File file(below_a_file); });
}

TEST_F(Files, that_are_links_to_themselves_are_missing_input) {
  fs::create_symlink("loop", directory_.path() / "loop");
  testing::expect_error(ErrorCode::kMissingInput, "loop", [&] { File file(directory_.path() / "loop"); });
}

TEST_F(Files, that_are_directories_are_refused) {
  testing::expect_error(ErrorCode::kNotRegularFile, "is a directory", [&] { File file(directory_.path()); });
}

TEST_F(Files, that_are_fifos_are_refused_without_waiting) {
  const fs::path path = directory_.path() / "fifo";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  testing::expect_error(ErrorCode::kNotRegularFile, "is a FIFO", [&] { File file(path); });
}

TEST_F(Files, that_are_devices_are_refused) {
  testing::expect_error(ErrorCode::kNotRegularFile, "is a device", [] { File file("/dev/zero"); });
}

TEST_F(Files, that_are_sockets_are_refused) {
  const fs::path path = directory_.path() / "s";
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  ASSERT_LT(path.string().size(), sizeof(address.sun_path));
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  ASSERT_EQ(::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  testing::expect_error(ErrorCode::kNotRegularFile, "socket", [&] { File file(path); });
  ::close(fd);
}

TEST_F(Files, that_shrink_while_open_are_truncated_not_a_crash) {
  const fs::path path = directory_.write("a", "0123456789");
  const File file(path);
  fs::resize_file(path, 4);
  EXPECT_EQ(read_string(file, 0, 4), "0123");
  testing::expect_error(ErrorCode::kTruncated, "ends at byte 4, expected 8 bytes from byte 2",
                        [&] { read_string(file, 2, 8); });
}

TEST_F(Files, that_are_deleted_while_open_can_still_be_read) {
  const fs::path path = directory_.write("a", "0123456789");
  const File file(path);
  fs::remove(path);
  EXPECT_EQ(read_string(file, 0, 10), "0123456789");
}

TEST_F(Files, close_what_they_opened_when_they_move) {
  const fs::path path = directory_.write("a", "a");
  File a(path);
  File b(std::move(a));
  File c(directory_.write("c", "ccc"));
  c = std::move(b);
  EXPECT_EQ(c.size(), 1u);
  EXPECT_EQ(read_string(c, 0, 1), "a");
  EXPECT_EQ(c.path(), path);
}

constexpr size_t kPageBytes = 4096;

// Counts the pages of the file that the page cache holds.
size_t cached_pages(const fs::path& path, size_t bytes) {
  const int fd = ::open(path.c_str(), O_RDONLY);
  void* map = ::mmap(nullptr, bytes, PROT_READ, MAP_SHARED, fd, 0);
  std::vector<unsigned char> resident(bytes / kPageBytes);
  const int failed = ::mincore(map, bytes, resident.data());
  ::munmap(map, bytes);
  ::close(fd);
  EXPECT_EQ(failed, 0);
  size_t count = 0;
  for (const unsigned char page : resident) count += page & 1;
  return count;
}

// Writes the dirty pages to the disk, because the kernel cannot drop dirty pages.
void sync_file(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY);
  EXPECT_EQ(::fsync(fd), 0);
  ::close(fd);
}

TEST_F(Files, leave_the_page_cache_when_unaligned_neighbours_are_dropped_one_by_one) {
  constexpr size_t kBytes = 256 * kPageBytes;
  const fs::path probe = directory_.write("probe", std::string(kBytes, 'x'));
  sync_file(probe);
  File(probe).drop_pages(0, kBytes);
  if (cached_pages(probe, kBytes) > 0) GTEST_SKIP() << "this file system lives in memory";

  const fs::path path = directory_.write("a", std::string(kBytes, 'x'));  // cached by the write, in large pages
  sync_file(path);
  const File file(path);
  ASSERT_EQ(cached_pages(path, kBytes), kBytes / kPageBytes);
  constexpr size_t kChunk = 3001;
  for (size_t at = 0; at < kBytes; at += kChunk) file.drop_pages(at, std::min(kChunk, kBytes - at));
  EXPECT_EQ(cached_pages(path, kBytes), 0u);
}

TEST_F(Files, of_text_are_read_whole_up_to_the_limit) {
  const fs::path path = directory_.write("a", "hello");
  EXPECT_EQ(read_text(path, 5), "hello");
  testing::expect_error(ErrorCode::kHeaderTooLarge, "is 5 bytes, at most 4", [&] { read_text(path, 4); });
}

TEST_F(Files, written_twice_under_one_name_are_refused) {
  const fs::path path = directory_.write("a", "old");
  testing::expect_error(ErrorCode::kExists, path.string(), [&] { FileWriter writer(path); });
  EXPECT_EQ(read_text(path, 99), "old");
}

TEST_F(Files, that_cannot_be_created_name_the_path) {
  testing::expect_error(ErrorCode::kIo, "absent/b: cannot create",
                        [&] { FileWriter writer(directory_.path() / "absent/b"); });
}

// Runs the body in a child whose files may grow to `limit` bytes. This is the one portable way to make a write fail.
int run_with_file_limit(rlim_t limit, const std::function<int()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit bound{limit, limit};
    ::setrlimit(RLIMIT_FSIZE, &bound);
    ::_exit(body());
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(Files, that_cannot_grow_are_an_io_error_with_the_path) {
  const fs::path path = directory_.path() / "big";
  const int code = run_with_file_limit(1 << 16, [&] {
    const auto error = testing::error_of([&] {
      FileWriter writer(path);
      for (int i = 0; i < 100; ++i) writer.write(std::string(4096, 'x'));
    });
    const bool named = error && std::string(error->what()).starts_with(path.string() + ": cannot write");
    return named && error->code() == ErrorCode::kIo ? 0 : 1;
  });
  EXPECT_EQ(code, 0);
}

TEST_F(Files, on_a_full_disk_say_what_to_do) {
  testing::expect_error(ErrorCode::kIo, "out/a: cannot write: No space left on device; free some space",
                        [] { throw_io_error("out/a", "cannot write", ENOSPC); });
}

class Directories : public Files {
 protected:
  fs::path out_ = directory_.path() / "out";
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& entry : fs::directory_iterator(directory_.path())) found.push_back(entry.path().filename());
    return found;
  }
};

TEST_F(Directories, appear_whole_on_commit) {
  AtomicDirectory directory(out_);
  FileWriter(directory.path() / "a").write("text");
  fs::create_directory(directory.path() / "sub");
  EXPECT_FALSE(fs::exists(out_));
  directory.commit();
  EXPECT_EQ(read_text(out_ / "a", 99), "text");
  EXPECT_EQ(names(), std::vector<std::string>{"out"});
}

TEST_F(Directories, leave_nothing_behind_without_commit) {
  {
    AtomicDirectory directory(out_);
    FileWriter(directory.path() / "a").write("text");
  }
  EXPECT_TRUE(names().empty());
}

TEST_F(Directories, may_be_named_with_a_slash_at_the_end) {
  AtomicDirectory directory(out_ / "");
  directory.commit();
  EXPECT_TRUE(fs::is_directory(out_));
}

TEST_F(Directories, do_not_replace_what_is_there) {
  fs::create_directory(out_);
  testing::expect_error(ErrorCode::kExists, out_.string(), [&] { AtomicDirectory directory(out_); });
}

TEST_F(Directories, do_not_replace_a_dangling_link) {
  fs::create_symlink("nowhere", out_);
  testing::expect_error(ErrorCode::kExists, out_.string(), [&] { AtomicDirectory directory(out_); });
}

TEST_F(Directories, do_not_replace_what_came_while_they_were_written) {
  AtomicDirectory directory(out_);
  fs::create_directory(out_);  // empty: a plain rename would replace it
  testing::expect_error(ErrorCode::kExists, out_.string(), [&] { directory.commit(); });
  EXPECT_TRUE(fs::is_empty(out_));
}

TEST_F(Directories, need_a_parent) {
  testing::expect_error(ErrorCode::kIo, "absent/out",
                        [&] { AtomicDirectory directory(directory_.path() / "absent/out"); });
}

TEST_F(Directories, need_a_name) {
  testing::expect_error(ErrorCode::kUsage, "output directory", [] { AtomicDirectory directory(""); });
}

}  // namespace
}  // namespace moebius::internal
