// moebius, the public interface: load a checkpoint, run tokens, read logits.
//
//   moebius::EngineOptions options;
//   moebius::Engine engine = moebius::Engine::load("Qwen3.5-35B-A3B-3bit", options);
//   moebius::Sequence sequence = engine.start();
//   std::vector<float> logits = sequence.append({1, 2, 3});       // logits of the last token
//   while (wanted--) logits = sequence.append({engine.argmax(logits)});
//
// Everything throws moebius::Error. An Engine and its sequences belong to one thread at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "moebius/error.h"

namespace moebius {

struct EngineOptions {
  std::string backend = "cpu";       // cpu or reference
  std::string isa;                   // portable, avx2, avx512; empty: the best this machine has
  std::string experts = "fused";     // unfused, concat or fused: the same bits, another speed
  std::string kv = "f32";            // f32 or f16
  std::string activations = "int8";  // int8, or f32 (reference only)
  int threads = 0;                   // 0: physical cores within affinity and quota
  int64_t context = 4096;            // most tokens of a sequence
  int64_t max_rows = 512;            // most tokens of one step; prompts are cut into steps of this size
  std::string mtp;                   // draft head: empty: not loaded; bundled: the checkpoint's own; else a directory
  int64_t draft_rows = 0;            // most tokens of Sequence::draft(), at most 64; they cost memory in each sequence
  // Weights as the cpu backend packs them, kept on disk so that the next start has nothing to do: off, auto (a file
  // that is there is used, and made again when the checkpoint changed) or make. It is MODEL/moebius.packed, or in
  // cache_directory when MODEL cannot be written to; empty: nowhere else.
  std::string packed = "auto";
  std::string cache_directory;
  bool verify_packed = false;  // compare its checksums before using it
  // Bytes loaded and bytes to load, a few times a second.
  std::function<void(uint64_t done, uint64_t total)> progress;
  // A line worth showing: a packed file that was used, made, or ignored and why.
  std::function<void(const std::string& line)> notice;
};

class Sequence;

class Engine {
 public:
  static Engine load(const std::string& directory, const EngineOptions& options = {});
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;

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
  explicit Engine(std::shared_ptr<Impl> impl);
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
  // Remembers this position in place of an earlier one; costs the memory of one recurrent state.
  // Throws kUsage while a draft is pending.
  void mark();
  // Back to a position where the sequence stood: 0, marked() or where it is now. Whatever follows has the bits that it
  // would have if nothing had been appended behind it. Throws kUsage for any other position.
  void rewind(int64_t position);
  [[nodiscard]] int64_t marked() const;  // 0 before the first mark()
  [[nodiscard]] int64_t position() const;
  [[nodiscard]] const std::vector<int32_t>& tokens() const;  // those before position()
  [[nodiscard]] int64_t context() const;                     // most tokens

 private:
  friend class Engine;
  struct Impl;
  explicit Sequence(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace moebius
