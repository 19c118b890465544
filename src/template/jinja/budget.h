// What a template may cost: steps, bytes, levels. A template is a program of strangers that runs on every request, so
// it pays here for everything it does, in proportion to the work: for evaluated nodes, for copied or compared bytes
// (eight a step), for copied list elements. Counting steps instead of time makes the limit the same on every machine,
// and testable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "moebius/error.h"

namespace moebius::internal::jinja {

constexpr int kMaxDepth = 128;          // nesting of expressions, blocks, values, macro calls
constexpr int kMaxFrames = 1024;        // nodes under evaluation at once, through all macro calls
constexpr int64_t kMaxCount = 100'000;  // elements of range(), width of a field, columns of an indent
constexpr size_t kMaxTemplateBytes = 1 << 20;
constexpr uint64_t kStepsPerElement = 4;  // a Value takes 32 bytes, as much as four steps of eight bytes

struct Limits {
  uint64_t steps = 5'000'000;
  uint64_t output_bytes = 1 << 20;

  // The limits for a conversation of so many bytes. A large one may take more, in proportion.
  static Limits for_input(uint64_t input_bytes) {
    return {5'000'000 + 16 * input_bytes, (uint64_t{1} << 20) + 8 * input_bytes};
  }
};

class Budget {
 public:
  explicit Budget(const Limits& limits) : limits_(limits) {}

  void step(uint64_t count = 1) {
    if (count > limits_.steps - used_) exhaust();
    used_ += count;
  }
  void bytes(uint64_t count) { step(count / 8 + 1); }
  void elements(uint64_t count) { step(kStepsPerElement * count + 1); }
  // Checks any text under construction: the output, a macro's result, an operand.
  void check_text(uint64_t bytes) const {
    if (bytes > limits_.output_bytes) refuse_text();
  }

  [[nodiscard]] uint64_t steps_used() const { return used_; }

 private:
  [[noreturn]] void exhaust() {
    used_ = limits_.steps;
    throw Error(ErrorCode::kTemplateLimit, "chat template",
                "takes more than " + std::to_string(limits_.steps) + " steps",
                "use another template, or a shorter conversation");
  }
  [[noreturn]] void refuse_text() const {
    throw Error(ErrorCode::kTemplateLimit, "chat template",
                "makes a text of more than " + std::to_string(limits_.output_bytes) + " bytes",
                "use another template, or a shorter conversation");
  }

  Limits limits_;
  uint64_t used_ = 0;
};

// Every recursion that a template or a conversation can drive counts its levels with one of these.
class DepthCounter {
 public:
  explicit DepthCounter(int max) : max_(max) {}

  class Level {
   public:
    explicit Level(DepthCounter& counter) : counter_(counter) {
      if (counter_.depth_ >= counter_.max_) refuse(counter_.max_);
      ++counter_.depth_;
    }
    ~Level() { --counter_.depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    DepthCounter& counter_;
  };

  [[noreturn]] static void refuse(int max) {
    throw Error(ErrorCode::kTemplateLimit, "chat template", "nests deeper than " + std::to_string(max) + " levels",
                "use another template, or a simpler conversation");
  }

 private:
  int depth_ = 0;
  int max_;
};

}  // namespace moebius::internal::jinja
