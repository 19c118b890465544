// For tests: questions to an engine, and what it said to each.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "dialogue/conversation.h"
#include "moebius/engine.h"

namespace moebius::internal::testing {

struct Said {
  std::vector<int32_t> ids;
  Reply reply;
  AnswerEnd end = AnswerEnd::kNone;
  Usage usage;
};

// Steps until nothing is left to do.
inline std::map<RequestId, Said> run_all(Engine& engine) {
  std::map<RequestId, Said> all;
  while (engine.step()) {
    for (const Event& event : engine.drain_events()) {
      Said& said = all[event.request];
      if (const auto* draw = std::get_if<Draw>(&event.what)) said.ids.push_back(draw->token);
      if (const auto* piece = std::get_if<ReplyEvent>(&event.what)) fold(said.reply, {piece, 1});
      if (const auto* end = std::get_if<EndEvent>(&event.what)) {
        said.end = end->end;
        said.usage = end->usage;
      }
    }
  }
  return all;
}

inline Said answer(Engine& engine, const Request& request) {
  const RequestId id = engine.submit(request);
  return run_all(engine)[id];
}

// The next question of a conversation.
inline Request about(const Conversation& conversation, Request options) {
  options.chat = conversation.chat_json();
  return options;
}

// A question and its answer, both added to the conversation.
inline Said ask(Engine& engine, Conversation& conversation, const std::string& question, const Request& options) {
  conversation.add("user", question);
  Said said = answer(engine, about(conversation, options));
  conversation.add(said.reply);
  return said;
}

}  // namespace moebius::internal::testing
