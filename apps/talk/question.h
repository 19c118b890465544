// What stands around a question: a system prompt, tools, whether the model may think. Shared by generate --chat and
// chat.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "dialogue/conversation.h"

namespace moebius::internal::apps {

struct Question {
  std::string system;
  std::string think;  // on, off; empty: as the template has it
  std::string tools;  // a file: a JSON list of tools
};

void add_question_flags(CLI::App& command, Question& question);

// System prompt, tools and thinking. Throws kInvalidJson or kUsage for a file that is no list of tools.
void prepare(Conversation& conversation, const Question& question);
// prepare(), and the user's message.
void ask(Conversation& conversation, const Question& question, const std::string& text);

}  // namespace moebius::internal::apps
