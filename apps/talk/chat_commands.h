// The slash commands of a chat: their names, and what they do to the conversation.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "moebius/chat.h"

namespace moebius::internal::apps {

class ChatCommands {
 public:
  // The chat must outlive this object.
  explicit ChatCommands(Chat& chat) : chat_(chat) {}

  enum class Effect { kNone, kAnswerAgain, kLeave };

  static bool is_command(std::string_view line);
  // Runs the command and says on stderr what it did. Throws kUsage for a mistake, and what writing a file throws.
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
  std::set<std::string> saved_;  // files that this chat wrote; it may overwrite them
};

}  // namespace moebius::internal::apps
