// Gets one answer from the engine, for commands with one request at a time. It submits the request, steps the engine
// until the answer has ended, and hands every event to the caller. The caller decides what to show.
#pragma once

#include <cstdint>
#include <functional>

#include "moebius/engine.h"

namespace moebius::internal::apps {

struct Answer {
  Reply reply;  // the reply to text or a chat; empty when the request was token ids
  AnswerEnd end = AnswerEnd::kNone;
  Usage usage;
  uint64_t decode_bytes = 0;  // bytes that the steps after the prompt moved
};

struct AnswerHooks {
  std::function<void(const Event&)> show;  // called with each event except the last
  std::function<bool()> has_enough;        // called between steps: whether to stop here; may throw
};

// Throws the error of a failed answer, and what Engine::submit() and the hooks throw.
Answer answer(Engine& engine, const Request& request, const AnswerHooks& hooks);

}  // namespace moebius::internal::apps
