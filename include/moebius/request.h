// What an engine is asked and what it tells: requests, the events of their answers, figures.
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
  // Exactly one of chat, text and tokens is set.
  std::optional<Chat> chat;       // its next message is the answer
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

// The work of a request so far.
struct Usage {
  int64_t prompt_tokens = 0;
  int64_t reused_tokens = 0;                       // prompt tokens that were found in the prefix cache and not computed
  std::string prefix_miss_reason;                  // why no more tokens were reused; empty when all were that could be
  int64_t tokens = 0;                              // tokens of the answer
  int64_t steps = 0;                               // steps that made the answer
  int64_t drafted = 0, accepted = 0;               // drafted tokens, and how many of them were right
  int64_t preempted = 0;                           // how often the request made room for others and was resumed
  double queue_s = 0, prompt_s = 0, decode_s = 0;  // seconds of waiting, of the prompt, of the answer
};

// A request stops waiting: its prompt goes through the model.
struct PromptEvent {
  int64_t prompt_tokens = 0;
  int64_t reused_tokens = 0;  // prompt tokens that were found in the prefix cache
};

struct EndEvent {
  AnswerEnd end = AnswerEnd::kNone;
  Usage usage;
  std::optional<Error> error;  // set when end is kFailed
};

// The events of a request come in this order: one PromptEvent, then a Draw for each token, each followed by the
// ReplyEvents that it made certain, then one EndEvent. A request that ends while it waits has its EndEvent alone.
struct Event {
  RequestId request = 0;
  std::variant<PromptEvent, Draw, ReplyEvent, EndEvent> what;
};

struct Stats {
  int64_t running = 0, waiting = 0;  // requests at this moment
  int64_t steps = 0, tokens = 0, prompt_tokens = 0, reused_tokens = 0;
  int64_t drafted = 0, accepted = 0, preempted = 0;
  int64_t memory_used = 0, memory_peak = 0, memory_limit = 0;  // bytes for keys, values and states
  int64_t cached_tokens = 0, snapshots = 0;                    // content of the prefix cache
  uint64_t bytes_moved = 0;  // weights, states, keys and values that steps had to read and write
};

}  // namespace moebius
