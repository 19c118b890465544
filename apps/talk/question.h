// The settings around a question: a system prompt, tools, and whether the model may think. `generate --chat` and `chat`
// share them.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "moebius/chat.h"

namespace moebius::internal::apps {

struct Question {
  std::string system;
  std::string think;  // "on" or "off"; empty: the template decides
  std::string tools;  // name of a file with a JSON list of tools
};

void add_question_flags(CLI::App& command, Question& question);

// Returns a chat with the system prompt, the tools and the choice about thinking, without a question. Throws
// kInvalidJson or kUsage for a file that is not a list of tools.
Chat prepare(const Question& question);

}  // namespace moebius::internal::apps
