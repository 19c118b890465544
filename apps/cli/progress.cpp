// See cli/progress.h.
#include "cli/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "cli/interrupt.h"
#include "cli/output.h"

namespace moebius::internal::apps {
namespace {

constexpr auto kRedraw = std::chrono::milliseconds(100);
constexpr auto kPlainLine = std::chrono::seconds(5);
constexpr int kBarCells = 24;

std::string time_left(double seconds) {
  const auto whole = static_cast<int64_t>(std::lround(std::clamp(seconds, 0.0, 359999.0)));
  if (whole < 60) return fmt::format("{} s left", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s left", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min left", whole / 3600, whole % 3600 / 60);
}

}  // namespace

std::string human_bytes(uint64_t bytes) {
  constexpr std::array<const char*, 5> kUnits = {"B", "kB", "MB", "GB", "TB"};
  auto value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 999.5 && unit + 1 < kUnits.size()) {
    value /= 1000.0;
    ++unit;
  }
  return unit == 0 || value >= 99.95 ? fmt::format("{:.0f} {}", value, kUnits[unit])
                                     : fmt::format("{:.1f} {}", value, kUnits[unit]);
}

Progress::Progress(std::string label, uint64_t total_bytes, Unit unit)
    : label_(std::move(label)),
      unit_(unit),
      total_bytes_(total_bytes),
      start_(Clock::now()),
      terminal_(takes_escapes(Stream::kNotes)) {
  next_ = start_ + (terminal_ ? Clock::duration(kRedraw) : Clock::duration(kPlainLine));
}

Progress::~Progress() {
  if (drawn_ && terminal_) write_note("\n");
}

void Progress::update(uint64_t done_bytes) { update(done_bytes, total_bytes_); }

void Progress::update(uint64_t done_bytes, uint64_t total_bytes) {
  throw_if_interrupted();
  done_bytes_ = done_bytes;
  total_bytes_ = total_bytes;
  const auto now = Clock::now();
  if (now < next_) return;
  draw(now);
  next_ = now + (terminal_ ? Clock::duration(kRedraw) : Clock::duration(kPlainLine));
}

void Progress::finish() {
  if (drawn_ && terminal_) write_note("\r\x1b[K");
  drawn_ = false;
}

double Progress::seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

std::string Progress::amount(uint64_t count) const {
  return unit_ == Unit::kBytes ? human_bytes(count) : fmt::format("{} tokens", count);
}

void Progress::draw(Clock::time_point now) {
  const double elapsed_s = std::chrono::duration<double>(now - start_).count();
  const double bytes_per_s = static_cast<double>(done_bytes_) / elapsed_s;
  const double share = total_bytes_ == 0 ? 0.0 : std::min(1.0, double(done_bytes_) / double(total_bytes_));
  std::string text = amount(done_bytes_);
  if (total_bytes_ > 0) text += fmt::format(" of {} ({:.0f} %)", amount(total_bytes_), 100.0 * share);
  text += unit_ == Unit::kBytes ? fmt::format(", {:.2f} GB/s", bytes_per_s / 1e9)
                                : fmt::format(", {:.1f} tok/s", bytes_per_s);
  if (total_bytes_ > done_bytes_ && done_bytes_ > 0) {
    text += ", " + time_left(static_cast<double>(total_bytes_ - done_bytes_) / bytes_per_s);
  }
  if (!terminal_) {
    note("{} {}\n", label_, text);
  } else {
    const auto cells = static_cast<int>(share * kBarCells);
    note("\r{} [{:#<{}}{:.<{}}] {}\x1b[K", label_, "", cells, "", kBarCells - cells, text);
  }
  drawn_ = true;
}

}  // namespace moebius::internal::apps
