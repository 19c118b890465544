// For tests: questions to an engine, and what it said to each.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "moebius/engine.h"

namespace moebius::testing {

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
    for (const Event& event : engine.take_events()) {
      Said& said = all[event.request];
      if (event.kind == Event::Kind::kToken) said.ids.push_back(event.token.token);
      if (event.kind == Event::Kind::kPiece) fold(said.reply, {&event.piece, 1});
      if (event.kind == Event::Kind::kEnd) said.end = event.end;
      said.usage = event.usage;
    }
  }
  return all;
}

inline Said answer(Engine& engine, const Request& request) {
  const RequestId id = engine.submit(request);
  return run_all(engine)[id];
}

struct Dialogue {
  Json messages = Json::array();
  Json tools = Json::array();
  Json template_options = Json::object();

  [[nodiscard]] Request about(Request options) const {
    const Json chat = {{"messages", messages}, {"tools", tools}, {"template_options", template_options}};
    options.chat = chat.dump();
    return options;
  }

  void hear(const Json& role, const std::string& content) {
    messages.push_back({{"role", role}, {"content", content}});
  }

  // As clients send it back.
  void add(const Reply& reply) {
    Json message = {{"role", "assistant"}, {"content", reply.content}};
    if (!reply.reasoning.empty()) message["reasoning_content"] = reply.reasoning;
    for (const ToolCall& call : reply.tool_calls) {
      message["tool_calls"].push_back(
          {{"id", call.id}, {"type", "function"}, {"function", {{"name", call.name}, {"arguments", call.arguments}}}});
    }
    messages.push_back(std::move(message));
  }

  // A question and its answer.
  Said ask(Engine& engine, const std::string& question, const Request& options) {
    hear("user", question);
    Said said = answer(engine, about(options));
    add(said.reply);
    return said;
  }
};

}  // namespace moebius::testing
