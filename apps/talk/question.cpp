// See talk/question.h.
#include "talk/question.h"

#include "base/json.h"
#include "cli/text_input.h"
#include "moebius/error.h"

namespace moebius::internal::apps {
namespace {

constexpr const char* kGroup = "Chat";

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

}  // namespace

void add_question_flags(CLI::App& command, Question& question) {
  command.add_option("--system", question.system, "System prompt: text or @FILE")
      ->type_name("TEXT|@FILE")
      ->group(kGroup);
  command.add_option("--think", question.think, "Whether to think before the answer [as the template has it]")
      ->type_name("on|off")
      ->check(CLI::IsMember({"on", "off"}).description(""))
      ->group(kGroup);
  command.add_option("--tools", question.tools, "Tools that it may call: a JSON list as chat completions have it")
      ->type_name("FILE")
      ->group(kGroup);
}

Chat prepare(const Question& question) {
  Chat chat;
  if (!question.system.empty()) chat.messages.push_back(Message::system(read_text_argument(question.system)));
  if (!question.tools.empty()) chat.tools = read_tools(question.tools);
  if (!question.think.empty()) chat.thinking = question.think == "on";
  return chat;
}

}  // namespace moebius::internal::apps
