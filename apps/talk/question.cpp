// See talk/question.h.
#include "talk/question.h"

#include "base/file.h"
#include "cli/text_input.h"
#include "moebius/error.h"

namespace moebius::internal::apps {
namespace {

constexpr const char* kGroup = "Chat";

Json read_tools(const std::string& file) {
  Json tools = parse_json(read_text(file, JsonLimits{}.max_bytes), file);
  if (tools.is_array()) return tools;
  throw Error(ErrorCode::kUsage, "--tools " + file, "is no list", R"(write [{"type": "function", "function": {...}}])");
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

void prepare(Conversation& conversation, const Question& question) {
  if (!question.system.empty()) {
    conversation.add("system", read_text_argument(question.system));
  }
  if (!question.tools.empty()) conversation.tools = read_tools(question.tools);
  if (!question.think.empty()) conversation.template_options["enable_thinking"] = question.think == "on";
}

void ask(Conversation& conversation, const Question& question, const std::string& text) {
  prepare(conversation, question);
  conversation.add("user", text);
}

}  // namespace moebius::internal::apps
