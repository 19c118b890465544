// The settings around a question: a system prompt, tools, and what the chat template is told. `generate --chat` and
// `chat` share them.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "moebius/chat.h"

namespace moebius::internal::apps {

struct Question {
  std::string system;
  std::string think;                          // "on" or "off"; empty: the template decides
  std::string tools;                          // name of a file with a JSON list of tools
  std::vector<std::string> template_options;  // NAME=VALUE
};

void add_question_flags(CLI::App& command, Question& question);

// Returns the chat with the system prompt, the tools and the options of the template added. An option of the command
// line replaces that of the chat. Throws kInvalidJson or kUsage for a file that is not a list of tools, and kUsage for
// a second system prompt or list of tools and for template options that cannot be.
Chat prepare(const Question& question, Chat chat = {});

}  // namespace moebius::internal::apps
