// See talk/answering.h.
#include "talk/answering.h"

#include <span>

namespace moebius::apps {
namespace {

void take(Answer& answer, const Event& event, const AnswerHooks& hooks) {
  answer.usage = event.usage;
  if (event.kind == Event::Kind::kEnd) {
    if (event.error) throw Error(*event.error);
    answer.end = event.end;
    return;
  }
  if (event.kind == Event::Kind::kPiece) fold(answer.reply, {&event.piece, 1});
  hooks.show(event);
}

}  // namespace

Answer answer(Engine& engine, const Request& request, const AnswerHooks& hooks) {
  const RequestId id = engine.submit(request);
  Answer answer;
  uint64_t prompt_bytes = 0;  // all that was moved before the second token
  while (answer.end == AnswerEnd::kNone) {
    if (hooks.has_enough()) engine.cancel(id);
    const bool in_prompt = answer.usage.tokens == 0;
    engine.step();
    const uint64_t bytes = engine.stats().bytes_moved;
    if (in_prompt) prompt_bytes = bytes;
    answer.decode_bytes = bytes - prompt_bytes;
    for (const Event& event : engine.take_events()) take(answer, event, hooks);
  }
  return answer;
}

}  // namespace moebius::apps
