// See talk/question.h.
#include "talk/question.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "base/json.h"
#include "base/quote.h"
#include "cli/text_input.h"
#include "moebius/error.h"

namespace moebius::internal::apps {
namespace {

// A template has these names from the conversation, and chat_template.cpp lets no option replace them.
constexpr std::string_view kReserved[] = {"messages", "tools", "add_generation_prompt"};

std::vector<Tool> read_tools(const std::string& file) {
  const Json list = parse_json(read_input(file), file);
  if (!list.is_array()) {
    throw Error(ErrorCode::kUsage, "--tools " + file, "is no list",
                R"(write [{"type": "function", "function": {...}}])");
  }
  std::vector<Tool> tools;
  for (const Json& tool : list) tools.push_back(Tool::from_json(to_text(tool)));
  return tools;
}

// VALUE is JSON where it parses, and otherwise a string: reasoning_effort=high needs no quotes.
Json option_value(const std::string& text) {
  try {
    return parse_json(text, "--template-option");
  } catch (const Error&) {
    return text;
  }
}

std::string with_options(const std::string& json, const std::vector<std::string>& added) {
  Json options = parse_json(json, "template_options");
  for (const std::string& text : added) {
    const size_t equals = text.find('=');
    const std::string name = text.substr(0, equals);
    if (equals == std::string::npos || name.empty()) {
      throw Error(ErrorCode::kUsage, "--template-option", "expected NAME=VALUE, got " + in_quotes(text),
                  "write --template-option reasoning_effort=high");
    }
    if (std::ranges::find(kReserved, name) != std::end(kReserved)) {
      throw Error(ErrorCode::kUsage, "--template-option", in_quotes(name) + " is given by the conversation",
                  "leave it out; --tools gives tools, and generate --conversation FILE gives messages");
    }
    options[name] = option_value(text.substr(equals + 1));
  }
  return to_text(options);
}

void add_system(Chat& chat, const std::string& text) {
  if (!chat.messages.empty() && chat.messages.front().role() == "system") {
    throw Error(ErrorCode::kUsage, "--system", "the conversation has a system prompt already", "leave one of them out");
  }
  chat.messages.insert(chat.messages.begin(), Message::system(text));
}

}  // namespace

void add_question_flags(CLI::App& command, Question& question) {
  command.add_option("--system", question.system, "System prompt: text or @FILE")->type_name("TEXT|@FILE");
  command.add_option("--think", question.think, "Whether to think before the answer [as the template has it]")
      ->type_name("on|off")
      ->check(CLI::IsMember({"on", "off"}).description(""));
  command.add_option("--tools", question.tools, "Tools that it may call: a JSON list as chat completions have it")
      ->type_name("FILE");
  command
      .add_option("--template-option", question.template_options,
                  "A name that the chat template reads; VALUE: JSON or a string; repeat for more")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
}

Chat prepare(const Question& question, Chat chat) {
  if (!question.system.empty()) add_system(chat, read_text_argument(question.system));
  if (!question.tools.empty() && !chat.tools.empty()) {
    throw Error(ErrorCode::kUsage, "--tools", "the conversation has tools already", "leave one of them out");
  }
  if (!question.tools.empty()) chat.tools = read_tools(question.tools);
  if (!question.think.empty()) chat.thinking = question.think == "on";
  chat.template_options = with_options(chat.template_options, question.template_options);
  return chat;
}

}  // namespace moebius::internal::apps
