// A read-only view of MarkedText: text, and the ranges of it that a user wrote.
#pragma once

#include <algorithm>
#include <span>
#include <string_view>
#include <vector>

#include "base/marked_text.h"

namespace moebius::internal {

struct MarkedView {
  std::string_view text;
  std::span<const ByteRange> user;  // ascending, not touching each other, within the text
};

inline MarkedView view(const MarkedText& marked) { return {marked.text, marked.user}; }

// Returns the parts of the ranges that lie within `part`, counted from part.begin.
inline std::vector<ByteRange> ranges_within(std::span<const ByteRange> user, ByteRange part) {
  std::vector<ByteRange> inside;
  auto range = std::lower_bound(user.begin(), user.end(), part.begin,
                                [](const ByteRange& candidate, size_t begin) { return candidate.end <= begin; });
  for (; range != user.end() && range->begin < part.end; ++range) {
    inside.push_back({std::max(range->begin, part.begin) - part.begin, std::min(range->end, part.end) - part.begin});
  }
  return inside;
}

// Appends text to a MarkedText piece by piece, each from known source bytes, and carries the marks over.
class MarkedBuilder {
 public:
  explicit MarkedBuilder(std::span<const ByteRange> user) : user_(user) {}

  // Appends bytes of the source as they are. Calls of copy() and replace() go through the source from left to right.
  void copy(std::string_view bytes, size_t source_begin) {
    const size_t out = built_.text.size();
    built_.text += bytes;
    for (const ByteRange& range : take(source_begin, source_begin + bytes.size())) {
      mark(out + range.begin - source_begin, out + range.end - source_begin);
    }
  }
  // Appends bytes that replace the source bytes [source_begin, source_end). All of the new bytes are the user's when
  // one of the replaced bytes is.
  void replace(std::string_view bytes, size_t source_begin, size_t source_end) {
    const size_t out = built_.text.size();
    built_.text += bytes;
    if (!take(source_begin, source_end).empty()) mark(out, built_.text.size());
  }

  MarkedText finish() { return std::move(built_); }

 private:
  std::vector<ByteRange> take(size_t begin, size_t end) {
    std::vector<ByteRange> taken;
    while (next_ < user_.size() && user_[next_].begin < end) {
      if (user_[next_].end > begin) {
        taken.push_back({std::max(user_[next_].begin, begin), std::min(user_[next_].end, end)});
      }
      if (user_[next_].end > end) break;
      ++next_;
    }
    return taken;
  }
  void mark(size_t begin, size_t end) {
    if (begin == end) return;
    if (!built_.user.empty() && built_.user.back().end == begin) {
      built_.user.back().end = end;
    } else {
      built_.user.push_back({begin, end});
    }
  }

  std::span<const ByteRange> user_;
  size_t next_ = 0;
  MarkedText built_;
};

}  // namespace moebius::internal
