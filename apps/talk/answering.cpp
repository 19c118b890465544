// See talk/answering.h.
#include "talk/answering.h"

#include <span>

namespace moebius::internal::apps {
namespace {

void add(Answer& answer, const Event& event, const AnswerHooks& hooks) {
  if (const auto* end = std::get_if<EndEvent>(&event.what)) {
    if (end->error) throw Error(*end->error);
    answer.end = end->end;
    answer.usage = end->usage;
    return;
  }
  if (std::holds_alternative<Draw>(event.what))
    answer.usage.tokens += 1;  // the end event later brings the complete usage
  if (const auto* piece = std::get_if<ReplyEvent>(&event.what)) fold(answer.reply, {piece, 1});
  hooks.show(event);
}

}  // namespace

Answer answer(Engine& engine, const Request& request, const AnswerHooks& hooks) {
  const RequestId id = engine.submit(request);
  Answer answer;
  uint64_t prompt_bytes = 0;  // bytes moved up to and including the step of the first token
  while (answer.end == AnswerEnd::kNone) {
    if (hooks.has_enough()) engine.cancel(id);
    const bool in_prompt = answer.usage.tokens == 0;
    engine.step();
    const uint64_t bytes = engine.stats().bytes_moved;
    if (in_prompt) prompt_bytes = bytes;
    answer.decode_bytes = bytes - prompt_bytes;
    for (const Event& event : engine.drain_events()) add(answer, event, hooks);
  }
  return answer;
}

}  // namespace moebius::internal::apps
