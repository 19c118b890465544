// Keeps rows of logits on disk while the program runs. Two models that do not fit into memory together are compared
// through such a file. The file has no name, so nothing is left behind even after a crash.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>

namespace moebius::internal::apps {

class LogitsFile {
 public:
  // Creates the file in $TMPDIR, or in /tmp when that is not set. Throws kUnavailable when `rows` rows of `vocab`
  // floats do not fit there.
  LogitsFile(uint64_t rows, size_t vocab);

  [[nodiscard]] size_t vocab() const { return vocab_; }
  void write(std::span<const float> row);  // [vocab]; throws kIo when the disk is full
  void rewind();                           // read() then returns the rows in the order of writing
  void read(std::span<float> row);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  size_t vocab_;
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace moebius::internal::apps
