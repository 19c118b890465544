// Shows the progress of long reads and writes on stderr: bytes, GB/s and the time left. On a terminal it is a bar that
// redraws itself. Elsewhere it is a plain line every five seconds. Work that ends before the first drawing shows
// nothing. This file writes nothing to stdout.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace moebius::internal::apps {

class Progress {
 public:
  // `label` is a word such as "loading" or "writing". `total_bytes` may be 0 when the total becomes known only later.
  enum class Unit { kBytes, kTokens };  // with kTokens, every `bytes` below counts tokens
  explicit Progress(std::string label, uint64_t total_bytes, Unit unit = Unit::kBytes);
  ~Progress();  // ends the line of an unfinished bar, so that an error message gets its own line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Call it as often as you like: it draws at most ten times a second. Call it from one thread at a time. Throws
  // kInterrupted after Ctrl-C, so that unwinding removes temporary files.
  void update(uint64_t done_bytes);
  void update(uint64_t done_bytes, uint64_t total_bytes);
  // Removes the bar. The caller then prints one line that says what is ready.
  void finish();

  [[nodiscard]] double seconds() const;  // since construction

 private:
  using Clock = std::chrono::steady_clock;
  void draw(Clock::time_point now);

  [[nodiscard]] std::string amount(uint64_t count) const;

  std::string label_;
  Unit unit_;
  uint64_t total_bytes_;
  uint64_t done_bytes_ = 0;
  Clock::time_point start_;
  Clock::time_point next_;
  bool terminal_;
  bool drawn_ = false;
};

// Returns "1.3 GB" or "820 MB". Units are decimal, as disks and memory bandwidth are sold.
std::string human_bytes(uint64_t bytes);

}  // namespace moebius::internal::apps
