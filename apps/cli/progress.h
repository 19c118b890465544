// Progress of long reads and writes, to stderr: a bar that redraws itself on a terminal, a plain line every five
// seconds elsewhere, nothing at all for work that ends before. Bytes, GB/s and the time left. Also the facts about the
// terminal that decide between the two. Nothing here goes to stdout.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace moebius::internal::apps {

class Progress {
 public:
  // label: "loading", "writing". total_bytes may be 0 when it is known only later.
  enum class Unit { kBytes, kTokens };  // tokens: no byte in what follows is one
  explicit Progress(std::string label, uint64_t total_bytes, Unit unit = Unit::kBytes);
  ~Progress();  // an unfinished bar ends its line, so that an error message starts on its own
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Call as often as you like: it draws ten times a second at most. From one thread at a time. Throws kInterrupted
  // after Ctrl-C, so that what unwinds can take away its temporary files.
  void update(uint64_t done_bytes);
  void update(uint64_t done_bytes, uint64_t total_bytes);
  // Takes the bar away; the caller prints one line that says what is ready.
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

// "1.3 GB", "820 MB": decimal units, as disks and memory bandwidth are sold.
std::string human_bytes(uint64_t bytes);

}  // namespace moebius::internal::apps
