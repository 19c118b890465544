// One output file that appears whole or not at all. It is written beside its final name, and commit() renames it. An
// existing file is replaced, as `cc -o` and `sort -o` do. An existing directory is not (AtomicDirectory), because a
// directory may hold the work of more than one command.
#pragma once

#include <filesystem>

namespace moebius::internal::apps {

class OutputFile {
 public:
  // Throws kExists when the name is a directory.
  explicit OutputFile(std::filesystem::path final_path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return temporary_; }
  void commit();  // throws kIo

 private:
  std::filesystem::path final_;
  std::filesystem::path temporary_;
  bool committed_ = false;
};

}  // namespace moebius::internal::apps
