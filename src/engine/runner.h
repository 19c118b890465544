// One model and sequences on it, stepped by hand: append tokens, read logits, draft and keep. For tests, and for tools
// that look at logits. What serves requests is the engine (moebius/engine.h).
//
//   Runner runner = Runner::load("Qwen3.5-35B-A3B-3bit");
//   Sequence sequence = runner.start();
//   std::vector<float> logits = sequence.append({1, 2, 3});  // of the last token
//
// Everything throws moebius::Error. A Runner and its sequences belong to one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "moebius/engine.h"

namespace moebius {

class Sequence;

class Runner {
 public:
  static Runner load(const std::string& directory, const EngineOptions& options = {});
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;
  Runner(Runner&&) noexcept;
  Runner& operator=(Runner&&) noexcept;

  // A new sequence at position 0.
  Sequence start();
  [[nodiscard]] int64_t vocab() const;
  // Token ids that end an answer, from config.json and generation_config.json.
  [[nodiscard]] const std::vector<int32_t>& stop_ids() const;
  // Bytes of weights, state, keys and values that steps had to move since the last call: over a clock, the bandwidth.
  uint64_t take_bytes_moved();
  // The lowest id among the largest logits. Throws kNonFinite when there is none.
  static int32_t argmax(std::span<const float> logits);

 private:
  friend class Sequence;
  struct Impl;
  explicit Runner(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;  // shared with its sequences, which may outlive the handle
};

class Sequence {
 public:
  ~Sequence();
  Sequence(const Sequence&) = delete;
  Sequence& operator=(const Sequence&) = delete;
  Sequence(Sequence&&) noexcept;
  Sequence& operator=(Sequence&&) noexcept;

  // Appends tokens in steps of at most max_rows; logits [V] of the last one.
  // Throws kUsage for ids outside the vocabulary or past the context; kNonFinite naming the first layer that broke, and
  // then the sequence is back at position 0.
  std::vector<float> append(const std::vector<int32_t>& tokens);
  // The same with all rows of logits, [tokens, V]: perplexity and verification.
  std::vector<float> append_all(const std::vector<int32_t>& tokens);
  // Appends tokens that may be taken back, in one step; logits [tokens, V] of all of them. keep() must follow.
  // Throws kUsage for more than draft_rows tokens.
  std::vector<float> draft(const std::vector<int32_t>& tokens);
  // Of the draft, the first `count` tokens stay: whatever follows has the bits that it would have if the others had
  // never been. Throws kUsage without a draft, or when count is not between 0 and its length.
  void keep(int64_t count);
  [[nodiscard]] int64_t position() const;
  [[nodiscard]] const std::vector<int32_t>& tokens() const;  // those before position()
  [[nodiscard]] int64_t context() const;                     // most tokens

 private:
  friend class Runner;
  struct Impl;
  explicit Sequence(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace moebius
