// What stands around a question: a system prompt, tools, whether the model may think. Shared by generate --chat and
// chat.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "moebius/chat.h"

namespace moebius::internal::apps {

struct Question {
  std::string system;
  std::string think;  // on, off; empty: as the template has it
  std::string tools;  // a file: a JSON list of tools
};

void add_question_flags(CLI::App& command, Question& question);

// A chat with the system prompt, the tools and the choice of thinking, and no question yet. Throws kInvalidJson or
// kUsage for a file that is no list of tools.
Chat prepare(const Question& question);

}  // namespace moebius::internal::apps
