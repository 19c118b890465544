// One output file that appears whole or not at all: written beside its final name, renamed over it by commit(). A file
// that is there already is replaced, as `cc -o` and `sort -o` do: only directories, which hold more than one command's
// work, refuse that (AtomicDirectory).
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
