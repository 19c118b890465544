// See talk/chat_commands.h.
#include "talk/chat_commands.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <vector>

#include "base/file.h"
#include "base/quote.h"
#include "cli/help.h"
#include "cli/output.h"
#include "cli/output_file.h"
#include "dialogue/chat_json.h"
#include "moebius/error.h"

namespace moebius::internal::apps {

struct ChatCommands::Command {
  std::string_view name;
  std::string_view argument;
  std::string_view about;
  Effect (ChatCommands::*run)(const std::string& argument);
};

const ChatCommands::Command ChatCommands::kCommands[] = {
    {"/help", "", "this page", &ChatCommands::help},
    {"/system", "[TEXT]", "another system prompt; without a text, none", &ChatCommands::system},
    {"/think", "on|off|auto", "whether to think before answers; auto: as the template has it", &ChatCommands::think},
    {"/again", "", "another answer to the last question", &ChatCommands::answer_again},
    {"/new", "", "a new conversation with the same system prompt", &ChatCommands::start_again},
    {"/save", "FILE", "the conversation as JSON, for `moebius render`", &ChatCommands::save},
    {"/exit", "", "leave; Ctrl-D does too", &ChatCommands::leave},
};

bool ChatCommands::is_command(std::string_view line) {
  // A path is no command: "/etc/passwd has ...".
  const std::string_view word = line.substr(0, line.find_first_of(" \t\n"));
  return word.starts_with('/') && word.find('/', 1) == std::string_view::npos && word.size() > 1;
}

ChatCommands::Effect ChatCommands::run(const std::string& line) {
  const size_t end = std::min(line.find_first_of(" \t\n"), line.size());
  const std::string name = line.substr(0, end);
  const size_t begin = std::min(line.find_first_not_of(" \t\n", end), line.size());
  const auto* command = std::ranges::find(kCommands, std::string_view(name), &Command::name);
  if (command == std::end(kCommands)) {
    std::vector<std::string> names;
    for (const Command& known : kCommands) names.emplace_back(known.name);
    const std::string near = closest(name, names);
    note("there is no {}; {}\n", in_quotes(name),
         near.empty() ? "/help lists what there is" : "did you mean " + near + "?");
    return Effect::kNone;
  }
  return (this->*command->run)(line.substr(begin));
}

ChatCommands::Effect ChatCommands::help(const std::string&) {
  for (const Command& command : kCommands) {
    note("  {:<22} {}\n", std::string(command.name) + " " + std::string(command.argument), command.about);
  }
  note(
      "Several lines: paste them, end a line with \\, or put \"\"\" before and behind.\n"
      "Ctrl-C stops an answer; what was said so far stays.\n");
  return Effect::kNone;
}

namespace {

bool has_system(const Chat& chat) { return !chat.messages.empty() && chat.messages.front().role() == "system"; }

// Returns the chat as `moebius render` reads it, with the template options beside the messages.
Json saved_form(const Chat& chat) {
  Json all = chat_json(chat);
  Json saved = {{"messages", std::move(all["messages"])}};
  if (!chat.tools.empty()) saved["tools"] = std::move(all["tools"]);
  saved.update(all["template_options"]);
  return saved;
}

}  // namespace

ChatCommands::Effect ChatCommands::system(const std::string& argument) {
  std::vector<Message>& messages = chat_.messages;
  if (has_system(chat_)) messages.erase(messages.begin());
  if (!argument.empty()) messages.insert(messages.begin(), Message::system(argument));
  note("system prompt {}\n", argument.empty() ? "removed" : "set");
  return Effect::kNone;
}

ChatCommands::Effect ChatCommands::think(const std::string& argument) {
  if (argument == "auto") {
    chat_.thinking.reset();
  } else if (argument == "on" || argument == "off") {
    chat_.thinking = argument == "on";
  } else {
    note("say /think on, /think off or /think auto\n");
    return Effect::kNone;
  }
  note("thinking: {}\n", argument);
  return Effect::kNone;
}

ChatCommands::Effect ChatCommands::save(const std::string& argument) {
  try {
    if (argument.empty()) throw Error(ErrorCode::kUsage, "/save", "expected a file name");
    if (std::filesystem::exists(argument) && !saved_.contains(argument)) {
      throw Error(ErrorCode::kExists, argument, "is there already", "choose another name");
    }
    OutputFile file(argument);
    FileWriter writer(file.path());
    writer.write(to_text(saved_form(chat_), JsonLayout::kIndented) + "\n");
    writer.sync();
    file.commit();
    saved_.insert(argument);
    note("saved {} messages in {}\n", chat_.messages.size(), argument);
  } catch (const Error& error) {
    note("{}\n", error.what());
  }
  return Effect::kNone;
}

ChatCommands::Effect ChatCommands::start_again(const std::string&) {
  chat_.messages.erase(chat_.messages.begin() + (has_system(chat_) ? 1 : 0), chat_.messages.end());
  note("a new conversation\n");
  return Effect::kNone;
}

ChatCommands::Effect ChatCommands::answer_again(const std::string&) {
  std::vector<Message>& messages = chat_.messages;
  const auto question =
      std::find_if(messages.rbegin(), messages.rend(), [](const Message& m) { return m.role() == "user"; });
  if (question == messages.rend()) {
    note("there is no question yet\n");
    return Effect::kNone;
  }
  messages.erase(question.base(), messages.end());
  return Effect::kAnswerAgain;
}

ChatCommands::Effect ChatCommands::leave(const std::string&) { return Effect::kLeave; }

}  // namespace moebius::internal::apps
