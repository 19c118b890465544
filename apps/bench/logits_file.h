// Rows of logits on disk for as long as the program runs: what two models that do not fit into memory together are
// compared by. The file has no name, so that nothing is left of it whatever happens.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>

namespace moebius::internal::apps {

class LogitsFile {
 public:
  // In $TMPDIR, else /tmp. Throws kUnavailable when `rows` rows of `vocab` floats do not fit there.
  LogitsFile(uint64_t rows, size_t vocab);

  [[nodiscard]] size_t vocab() const { return vocab_; }
  void write(std::span<const float> row);  // [vocab]; kIo when the disk is full
  void rewind();                           // then read() gives the rows in the order they were written
  void read(std::span<float> row);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  size_t vocab_;
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace moebius::internal::apps
