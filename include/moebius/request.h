// What an engine is asked, and what it tells: requests, the events of their answers, figures.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "moebius/chat.h"
#include "moebius/error.h"
#include "moebius/export.h"
#include "moebius/reply.h"
#include "moebius/sampling.h"
#include "moebius/speculation.h"

namespace moebius {

using RequestId = uint64_t;  // from 1

struct Request {
  // What to answer, or to go on from: one of the three.
  std::optional<Chat> chat;
  std::string text;               // continued as it stands
  std::vector<int32_t> tokens;    // continued as they are; the answer has token ids and no text
  SamplingOptions sampling;       // Engine::advised_sampling() is what the model's authors advise
  std::vector<std::string> stop;  // strings that end the answer and are not part of it; not with tokens
  int64_t max_tokens = 128;
  std::optional<SpeculationMode> speculation;  // nullopt: EngineOptions::drafts.mode
  bool use_prefix_cache = true;
};

enum class AnswerEnd : uint8_t { kNone, kStop, kLength, kCancelled, kFailed };
// "none", "stop", "length", "cancelled", "failed"
MOEBIUS_API std::string_view name(AnswerEnd end);

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

// The turn of a request has come: its prompt goes through the model.
struct PromptEvent {
  int64_t prompt_tokens = 0;
  int64_t reused_tokens = 0;  // of them, found in the prefix cache
};

struct EndEvent {
  AnswerEnd end = AnswerEnd::kNone;
  Usage usage;
  std::optional<Error> error;  // when end is kFailed
};

// In this order: a prompt; then tokens, each followed by what it made certain of the text or of the chat's reply; then
// the end. A request that ends while it waits has its end alone.
struct Event {
  RequestId request = 0;
  std::variant<PromptEvent, Draw, ReplyEvent, EndEvent> what;
};

struct Stats {
  int64_t running = 0, waiting = 0;  // requests
  int64_t steps = 0, tokens = 0, prompt_tokens = 0, reused_tokens = 0;
  int64_t drafted = 0, accepted = 0, preempted = 0;
  int64_t memory_used = 0, memory_peak = 0, memory_limit = 0;  // bytes of keys, values and states
  int64_t cached_tokens = 0, snapshots = 0;                    // in the prefix cache
  uint64_t bytes_moved = 0;  // weights, state, keys and values that steps had to move: over a clock, the bandwidth
};

}  // namespace moebius
