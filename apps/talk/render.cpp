// `moebius render`: prints the prompt that a conversation becomes. `transformers` would render the same text.
#include <memory>
#include <string>
#include <utility>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/output.h"
#include "dialogue/model_text.h"
#include "dialogue/prompt.h"
#include "talk/conversation.h"

namespace moebius::internal::apps {
namespace {

struct RenderOptions {
  std::string directory;
  std::string file;
  bool no_answer = false;
  bool json = false;
};

Json ranges_json(const std::vector<ByteRange>& ranges) {
  Json json = Json::array();
  for (const ByteRange& range : ranges) json.push_back({range.begin, range.end});
  return json;
}

void run_render(const RenderOptions& options) {
  const ModelText model = load_model_text(options.directory);
  ChatRequest request = chat_request(read_conversation(options.file));
  request.add_generation_prompt = !options.no_answer;
  const MarkedText prompt = model.render(std::move(request)).text;
  if (options.json) {
    write_json({{"text", prompt.text}, {"user", ranges_json(prompt.user)}, {"tokens", model.tokenizer.encode(prompt)}});
  } else {
    write_output(prompt.text);
  }
}

}  // namespace

void add_render(CLI::App& app) {
  auto options = std::make_shared<RenderOptions>();
  CLI::App& command = *app.add_subcommand("render", "The prompt that a conversation becomes");
  command.footer(
      "moebius render Qwen3.5-35B-A3B-3bit conversation.json\n"
      "moebius render Qwen3.5-35B-A3B-3bit conversation.json --json");
  add_directory(command, options->directory);
  command
      .add_option("CONVERSATION", options->file,
                  R"(A file, or -: {"messages": [...], "tools": [...], "enable_thinking": false})")
      ->required();
  command.add_flag("--no-answer", options->no_answer, "Leave out the beginning of the answer to come");
  command.add_flag("--json", options->json, "Also the bytes that users wrote, as ranges, and the token ids");
  command.callback([options] { run_render(*options); });
}

}  // namespace moebius::internal::apps
