// AtomicDirectory: a directory that appears whole or not at all. commit() syncs everything before the rename, and the
// rename refuses to replace an existing path. FileWriter (file.cpp) writes the files inside.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/file.h"
#include "base/io_error.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

namespace fs = std::filesystem;

// "out/" names the same directory as "out".
fs::path without_slash(fs::path path) {
  if (!path.has_filename()) path = path.parent_path();
  return path;
}

[[noreturn]] void refuse_existing(const fs::path& path) {
  throw Error(ErrorCode::kExists, path.string(), "is there already", "choose another name or remove it");
}

void sync_path(const fs::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) throw_io_error(path, "cannot open to sync", errno);
  const int failed = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  if (failed != 0) throw_io_error(path, "cannot sync", failed);
}

// Syncs the directory and everything below it, because some files were copied in and not synced by FileWriter.
void sync_tree(const fs::path& directory) {
  std::error_code failed;
  for (fs::recursive_directory_iterator entry(directory, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    if (!entry->is_symlink(failed)) sync_path(entry->path());
  }
  if (failed) throw_io_error(directory, "cannot list", failed.value());
  sync_path(directory);
}

bool is_taken(const fs::path& path) {
  std::error_code ignored;  // mkdir fails on a path that cannot be looked at, and says why
  return fs::exists(fs::symlink_status(path, ignored));
}

int rename_no_replace(const fs::path& from, const fs::path& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return errno;  // EINVAL, ENOSYS: the file system lacks the flag
  if (is_taken(to)) return EEXIST;
  return ::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

}  // namespace

AtomicDirectory::AtomicDirectory(fs::path final_path) : final_(without_slash(std::move(final_path))) {
  if (final_.empty()) throw Error(ErrorCode::kUsage, "output directory", "has no name");
  if (is_taken(final_)) refuse_existing(final_);
  temporary_ = final_;
  temporary_ += ".tmp-" + std::to_string(::getpid());
  if (::mkdir(temporary_.c_str(), 0777) == 0) return;
  if (errno == EEXIST) refuse_existing(temporary_);
  throw_io_error(temporary_, "cannot create the directory", errno);
}

AtomicDirectory::~AtomicDirectory() {
  std::error_code ignored;
  if (!committed_) fs::remove_all(temporary_, ignored);
}

void AtomicDirectory::commit() {
  sync_tree(temporary_);
  const int failed = rename_no_replace(temporary_, final_);
  if (failed == EEXIST || failed == ENOTEMPTY) refuse_existing(final_);
  if (failed != 0) throw_io_error(final_, "cannot rename into place", failed);
  committed_ = true;
  const fs::path parent = final_.parent_path();
  sync_path(parent.empty() ? fs::path(".") : parent);
}

}  // namespace moebius::internal
