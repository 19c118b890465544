// See cli/output_file.h.
#include "cli/output_file.h"

#include <unistd.h>

#include <system_error>
#include <utility>

#include "base/io_error.h"
#include "moebius/error.h"

namespace moebius::internal::apps {

OutputFile::OutputFile(std::filesystem::path final_path) : final_(std::move(final_path)) {
  temporary_ = final_;
  temporary_ += ".tmp-" + std::to_string(getpid());
  std::error_code absent;
  if (std::filesystem::is_directory(final_, absent)) {
    throw Error(ErrorCode::kExists, final_.string(), "is a directory, a file is to be written", "give another name");
  }
}

OutputFile::~OutputFile() {
  std::error_code ignored;
  if (!committed_) std::filesystem::remove(temporary_, ignored);
}

void OutputFile::commit() {
  std::error_code error;
  std::filesystem::rename(temporary_, final_, error);
  if (error) throw_io_error(final_, "cannot be put in its place", error.value());
  committed_ = true;
}

}  // namespace moebius::internal::apps
