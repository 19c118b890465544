// The slash commands of a chat: what they are called, what they do to the conversation.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "moebius/chat.h"

namespace moebius::internal::apps {

class ChatCommands {
 public:
  // chat outlives this object.
  explicit ChatCommands(Chat& chat) : chat_(chat) {}

  enum class Effect { kNone, kAnswerAgain, kLeave };

  static bool is_command(std::string_view line);
  // Says on stderr what it did, or why not: nothing that is typed at a prompt ends the program.
  Effect run(const std::string& line);

 private:
  struct Command;
  static const Command kCommands[];

  Effect help(const std::string& argument);
  Effect system(const std::string& argument);
  Effect think(const std::string& argument);
  Effect save(const std::string& argument);
  Effect start_again(const std::string& argument);
  Effect answer_again(const std::string& argument);
  Effect leave(const std::string& argument);

  Chat& chat_;
  std::set<std::string> saved_;  // files of this chat, which may be written again
};

}  // namespace moebius::internal::apps
