// One answer from the engine, for commands that have one request at a time: submits it, steps until it has ended, and
// hands on what happens in between. What is shown of it is the caller's.
#pragma once

#include <cstdint>
#include <functional>

#include "moebius/engine.h"

namespace moebius::internal::apps {

struct Answer {
  Reply reply;  // of a text: its content; of ids: nothing
  AnswerEnd end = AnswerEnd::kNone;
  Usage usage;
  uint64_t decode_bytes = 0;  // that steps moved behind the prompt
};

struct AnswerHooks {
  std::function<void(const Event&)> show;  // each event but the last
  std::function<bool()> has_enough;        // between steps: whether to stop here; may throw
};

// Throws the error of an answer that failed, and what Engine::submit and the hooks throw.
Answer answer(Engine& engine, const Request& request, const AnswerHooks& hooks);

}  // namespace moebius::internal::apps
