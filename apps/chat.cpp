// `moebius chat`: a conversation at the terminal. Here: the loop of turns. What a slash command does: chat_commands.h;
// how a line is typed: line_editor.h; how an answer looks: reply_printer.h.
#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "chat_commands.h"
#include "commands.h"
#include "engine/conversation.h"
#include "engine/runner.h"
#include "generation_report.h"
#include "interrupt.h"
#include "line_editor.h"
#include "moebius/error.h"
#include "output.h"
#include "question.h"
#include "reply_printer.h"
#include "sampling_flags.h"
#include "session.h"

namespace moebius::apps {
namespace {

constexpr int64_t kMaxTokens = 4096;  // thinking takes many

struct ChatOptions {
  CommonOptions common;
  SamplingFlags sampling;
  Question question;
  std::string directory;
};

class Chat {
 public:
  Chat(Runner& engine, const ModelText& text, GenerationOptions options, ReportOptions report)
      : engine_(engine), conversation_(engine, text), options_(std::move(options)), report_(std::move(report)) {}

  Conversation& conversation() { return conversation_; }
  void run();

 private:
  enum class Next { kGoOn, kLeave };
  Next take(const std::string& line);
  void turn();
  Reply answer();
  void ask_for_results(const Reply& reply);

  Runner& engine_;
  Conversation conversation_;
  GenerationOptions options_;
  ReportOptions report_;
  LineEditor editor_;
  ChatCommands commands_{conversation_};
};

// Until the person leaves. Ctrl-C at the prompt clears the line.
void Chat::run() {
  if (editor_.is_terminal()) note("/help lists what there is besides talking; Ctrl-D leaves\n");
  while (true) {
    const TypedLine line = editor_.read("> ");
    if (line.kind == TypedLine::Kind::kEnd) return;
    HeldInterrupts::take();
    if (line.kind == TypedLine::Kind::kInterrupted) {
      note("Ctrl-D or /exit leaves\n");
      continue;
    }
    if (take(line.text) == Next::kLeave) return;
  }
}

Chat::Next Chat::take(const std::string& line) {
  if (line.find_first_not_of(" \t\n") == std::string::npos) return Next::kGoOn;
  if (!ChatCommands::is_command(line)) {
    conversation_.messages.push_back({{"role", "user"}, {"content", line}});
    turn();
    return Next::kGoOn;
  }
  switch (commands_.run(line)) {
    case ChatCommands::Effect::kLeave:
      return Next::kLeave;
    case ChatCommands::Effect::kAnswerAgain:
      options_.sampling.seed += 1;
      turn();
      break;
    case ChatCommands::Effect::kNone:
      break;
  }
  return Next::kGoOn;
}

// One answer, and one more for each round of results of tools. What cannot be answered is taken back, so that the
// person can say it differently.
void Chat::turn() {
  const Json before = conversation_.messages;
  try {
    while (true) {
      const Reply reply = answer();
      conversation_.add(reply);
      if (reply.tool_calls.empty()) return;
      ask_for_results(reply);
      if (conversation_.messages.back()["role"] != "tool") return;
    }
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kInternal || error.code() == ErrorCode::kNonFinite) throw;
    conversation_.messages = before;
    if (!conversation_.messages.empty()) conversation_.messages.erase(conversation_.messages.size() - 1);
    note("{}\n", error.code() == ErrorCode::kInterrupted ? "stopped before the answer began" : error.what());
  }
}

Reply Chat::answer() {
  GenerationReport report(report_);
  report.start_prompt(engine_);
  const auto stop_when_asked = [this](int64_t, int64_t) {
    if (editor_.is_terminal() && HeldInterrupts::take()) throw Error(ErrorCode::kInterrupted, "chat", "interrupted");
  };
  Answer answer = conversation_.answer(options_, stop_when_asked);
  report.start_decode(engine_, answer.prompt());
  ReplyPrinter printer;
  while (const auto step = answer.next()) {
    report.add(step->token);
    printer.show(step->events);
    if (editor_.is_terminal() && HeldInterrupts::take()) break;
  }
  printer.show(answer.finish());
  printer.finish();
  report.finish(engine_, answer.generation());
  return answer.reply();
}

// What a tool says is typed by the person; an empty line, Ctrl-C or Ctrl-D leaves the calls unanswered.
void Chat::ask_for_results(const Reply& reply) {
  for (const ToolCall& call : reply.tool_calls) {
    const TypedLine result = editor_.read(fmt::format("{} returns> ", call.name));
    HeldInterrupts::take();
    if (result.kind != TypedLine::Kind::kText || result.text.empty()) return;
    conversation_.messages.push_back(
        {{"role", "tool"}, {"tool_call_id", call.id}, {"name", call.name}, {"content", result.text}});
  }
}

void run_chat(ChatOptions& options) {
  const ModelText text = load_model_text(options.directory);
  text.chat.choose(Json::array());  // fails now, not after loading
  const GenerationOptions generation = generation_options(options.sampling, text.sampling, text.tokenizer.vocab_size());

  ReadyEngine loaded = load_engine(options.directory, options.common);
  Chat chat(loaded.engine, text, generation,
            {.model = loaded.ready.name,
             .load_s = loaded.ready.load_s,
             .seed = generation.sampling.seed,
             .tokenizer = &text.tokenizer});
  prepare(chat.conversation(), options.question);
  const HeldInterrupts held;
  chat.run();
}

}  // namespace

void add_chat(CLI::App& app) {
  auto options = std::make_shared<ChatOptions>();
  options->sampling.max_tokens = kMaxTokens;
  CLI::App& command = *app.add_subcommand("chat", "Talk with a model; /help inside lists the commands");
  command.footer(
      "moebius chat Qwen3.5-35B-A3B-3bit\n"
      "moebius chat Qwen3.5-35B-A3B-3bit --system \"Answer in one sentence.\" --think off\n"
      "moebius chat Qwen3.5-35B-A3B-3bit --tools tools.json --temperature 0");
  add_directory(command, options->directory);
  add_question_flags(command, options->question);
  add_sampling_flags(command, options->sampling);
  add_experts_option(command, options->common);
  add_common_options(command, options->common);
  command.callback([options] { run_chat(*options); });
}

}  // namespace moebius::apps
