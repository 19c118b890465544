// For tests: asks an engine questions and collects its answers.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "moebius/engine.h"

namespace moebius::internal::testing {

struct Said {
  std::vector<int32_t> ids;
  Reply reply;
  AnswerEnd end = AnswerEnd::kNone;
  Usage usage;
};

// Steps until nothing is left to do. Returns the answer to each request.
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

// Returns a request for the next message of a chat.
inline Request about(const Chat& chat, Request options) {
  options.chat = chat;
  return options;
}

// Asks a question. The question and its answer are added to the chat.
inline Said ask(Engine& engine, Chat& chat, const std::string& question, const Request& options) {
  chat.messages.push_back(Message::user(question));
  Said said = answer(engine, about(chat, options));
  chat.messages.push_back(Message::assistant(said.reply));
  return said;
}

}  // namespace moebius::internal::testing
