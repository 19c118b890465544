// moebius, the public interface: load a checkpoint, submit requests, step, read events.
//
//   moebius::Engine engine = moebius::Engine::load("models/demo");
//   moebius::Request request;
//   request.chat = R"({"messages": [{"role": "user", "content": "What is 12+9?"}]})";
//   request.sampling.temperature = 0;
//   engine.submit(request);
//   while (engine.step()) {
//     for (const moebius::Event& event : engine.take_events()) {
//       if (event.kind == moebius::Event::Kind::kPiece) std::cout << event.piece.text;
//     }
//   }
//
// Requests run together, a step for all of them at a time. An answer is token for token the same alone or among
// others, speculated or not, from the prefix cache or computed. Everything throws moebius::Error.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "moebius/error.h"
#include "moebius/reply.h"
#include "moebius/sampling.h"

namespace moebius {

struct EngineOptions {
  std::string backend = "cpu";       // cpu or reference
  std::string isa;                   // portable, avx2, avx512; empty: the best this machine has
  std::string experts = "fused";     // unfused, concat or fused: the same bits, another speed
  std::string kv = "f32";            // f32 or f16
  std::string activations = "int8";  // int8, or f32 (reference only)
  int threads = 0;                   // 0: physical cores within affinity and quota
  int64_t context = 4096;            // most tokens of a request, its answer included
  int64_t max_rows = 512;            // most tokens of one step; prompts are cut into steps of this size
  std::string mtp = "auto";  // draft head: auto: the checkpoint's own if it has one; bundled: must; empty: none; else a
                             // directory
  int64_t draft_rows = 16;   // most tokens of a request in a step that drafts, at most 64; 0: no speculation at all
  std::string speculate = "auto";  // of requests that do not say: none, auto, mtp[:N], ngram[:N]
  int64_t max_streams = 16;        // most requests that run at once; others wait
  int64_t prompt_rows = 64;        // most tokens of prompts in a step that others decode in
  bool prefix_cache = true;        // keep what was computed, for requests that begin alike
  int64_t memory_bytes = 0;        // for keys, values and states, cached or in use; 0: a quarter of what is free, and
                                   // enough for one request of the whole context
  bool needs_text = false, needs_chat = false;  // fail before weights are read when the checkpoint lacks what they need
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

using RequestId = uint64_t;  // from 1

struct Request {
  // What to answer, or to go on from: one of the three.
  std::string chat;               // JSON: {"messages": [...], "tools": [...], "template_options": {...}}, as chat
                                  // completions have them; the last two may be missing
  std::string text;               // continued as it stands
  std::vector<int32_t> tokens;    // likewise; an answer without text
  SamplingOptions sampling;       // see Engine::advised_sampling()
  std::vector<std::string> stop;  // strings that end the answer and are not part of it; not for tokens
  int64_t max_tokens = 128;
  std::string speculate;  // empty: as the engine's
  bool use_prefix_cache = true;
};

enum class AnswerEnd : uint8_t { kNone, kStop, kLength, kCancelled, kFailed };
// "none", "stop", "length", "cancelled", "failed"
std::string_view name(AnswerEnd end);

// What a request took so far.
struct Usage {
  int64_t prompt_tokens = 0;
  int64_t reused_tokens = 0;          // of the prompt, not computed but found in the prefix cache
  std::string prefix_miss_reason;     // why no more were: empty when all that could be were
  int64_t tokens = 0;                 // of the answer
  int64_t steps = 0;                  // that made them
  int64_t drafted = 0, accepted = 0;  // tokens
  int64_t preempted = 0;              // times that it made room for others and was taken up again
  double queue_s = 0, prompt_s = 0, decode_s = 0;
};

struct Event {
  enum class Kind : uint8_t {
    kPrompt,  // usage.prompt_tokens, usage.reused_tokens: its turn has come
    kToken,   // token; what it made certain follows as pieces
    kPiece,   // piece: of a text or of a chat's reply
    kEnd,     // end, usage, error
  };
  RequestId request = 0;
  Kind kind = Kind::kToken;
  Draw token;
  ReplyEvent piece;
  AnswerEnd end = AnswerEnd::kNone;
  Usage usage;
  std::optional<Error> error;  // when end is kFailed
};

struct Stats {
  int64_t running = 0, waiting = 0;  // requests
  int64_t steps = 0, tokens = 0, prompt_tokens = 0, reused_tokens = 0;
  int64_t drafted = 0, accepted = 0, preempted = 0;
  int64_t memory_used = 0, memory_peak = 0, memory_limit = 0;  // bytes of keys, values and states
  int64_t cached_tokens = 0, snapshots = 0;                    // in the prefix cache
  uint64_t bytes_moved = 0;  // weights, state, keys and values that steps had to move: over a clock, the bandwidth
};

class Engine {
 public:
  static Engine load(const std::string& directory, const EngineOptions& options = {});
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  Engine(Engine&&) noexcept;
  Engine& operator=(Engine&&) noexcept;

  // One thread steps; submit, fork, cancel, take_events and stats may be called from any.

  // Throws kUsage for a request that cannot be (its prompt exceeds the context, a field is out of range), kUnavailable
  // when its prompt could not be held in memory even alone, kMissingInput for a chat without a template,
  // kBadConversation.
  RequestId submit(const Request& request);
  // Goes on from the first `at` tokens of another request, running or among the last that ended, followed by
  // request.tokens: several answers to one prompt. What is in the prefix cache of them is not computed again.
  // Throws kUsage for a parent that is not known or has fewer tokens.
  RequestId fork(RequestId parent, int64_t at, const Request& request);
  // The request ends at the next step with what it has. Nothing happens to one that has ended.
  void cancel(RequestId id);
  // One step of work for all requests; false when there was nothing to do.
  bool step();
  // What happened since the last call, in order.
  std::vector<Event> take_events();
  [[nodiscard]] Stats stats() const;

  // Tokens of a request's prompt and answer so far: running, or among the last that ended. Throws kUsage otherwise.
  [[nodiscard]] std::vector<int32_t> tokens(RequestId id) const;
  // As generation_config.json has it for chats.
  [[nodiscard]] SamplingOptions advised_sampling() const;
  [[nodiscard]] int32_t vocab() const;  // ids in use
  [[nodiscard]] int64_t context() const;
  [[nodiscard]] std::vector<int32_t> encode(const std::string& text) const;  // throws kMissingInput without a tokenizer
  [[nodiscard]] std::string token_text(int32_t id) const;                    // its bytes; empty without a tokenizer

 private:
  struct Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace moebius
