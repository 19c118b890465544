// `moebius chat`: a conversation at the terminal. This file contains the loop of turns. Slash commands are in
// talk/chat_commands.h, typing a line is in talk/line_editor.h, printing an answer is in talk/reply_printer.h.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/loading.h"
#include "cli/output.h"
#include "moebius/error.h"
#include "moebius/limits.h"
#include "talk/answering.h"
#include "talk/chat_commands.h"
#include "talk/generation_report.h"
#include "talk/line_editor.h"
#include "talk/question.h"
#include "talk/reply_printer.h"
#include "talk/sampling_flags.h"

namespace moebius::internal::apps {
namespace {

constexpr int64_t kMaxTokens = kDefaultContext;  // the context alone ends an answer: thinking takes many tokens
constexpr int64_t kMaxRows = 256;  // prompt tokens in one step; small, because Ctrl-C waits for a step to end
constexpr const char* kStartAgain = "/new begins a new conversation, which has room";

struct ChatOptions {
  CommonOptions common;
  SamplingFlags sampling;
  Question question;
  std::string directory;
};

class Dialogue {
 public:
  // The engine must outlive this object. `request` holds sampling and length of every answer.
  Dialogue(Engine& engine, Chat chat, Request request, ReportOptions report)
      : engine_(engine), chat_(std::move(chat)), request_(std::move(request)), report_(std::move(report)) {}

  // Returns at the end of the input or when the person leaves. A line that fails is reported on stderr, and the next
  // one is read. A person sees the report. A program that pipes lines in does not, so for it run() throws at the end
  // when a line failed; the code is that of the first such line.
  void run();

 private:
  enum class Next { kGoOn, kLeave };
  TypedLine read(const std::string& prompt);
  Next take(const std::string& line);
  Next run_command(const std::string& line);
  void turn();
  Reply say();
  bool was_interrupted() const;
  void ask_for_results(const Reply& reply);
  bool ends_chat(const Error& error) const;
  bool has_no_room(const Error& error) const;
  void check_all_done() const;

  Engine& engine_;
  Chat chat_;
  Request request_;
  ReportOptions report_;
  LineEditor editor_;
  std::optional<HeldInterrupts> held_;  // at a terminal, where Ctrl-C stops an answer and not the program
  ChatCommands commands_{chat_};
  int64_t lines_ = 0, failed_ = 0;
  std::optional<ErrorCode> first_failure_;
};

// Ctrl-C at the prompt clears the line.
void Dialogue::run() {
  if (editor_.is_terminal()) {
    held_.emplace();
    note("/help lists what there is besides talking; Ctrl-D leaves\n");
  }
  auto next = Next::kGoOn;
  while (next == Next::kGoOn) {
    const TypedLine line = read("> ");
    if (line.kind == TypedLine::Kind::kEnd) break;
    if (line.kind == TypedLine::Kind::kInterrupted) {
      note("Ctrl-D or /exit leaves\n");
    } else if (line.text.find_first_not_of(" \t\n") != std::string::npos) {
      next = take(line.text);
    }
  }
  check_all_done();
}

// Forgets a Ctrl-C that came before the end of the line.
TypedLine Dialogue::read(const std::string& prompt) {
  TypedLine line = editor_.read(prompt);
  if (held_) HeldInterrupts::take();
  return line;
}

Dialogue::Next Dialogue::take(const std::string& line) {
  lines_ += 1;
  try {
    if (ChatCommands::is_command(line)) return run_command(line);
    chat_.messages.push_back(Message::user(line));
    turn();
  } catch (const Error& error) {
    if (ends_chat(error)) throw;
    if (!first_failure_) first_failure_ = error.code();
    failed_ += 1;
    note("{}\n", error.code() == ErrorCode::kInterrupted ? "stopped before the answer began" : error.what());
    if (!ChatCommands::is_command(line) && has_no_room(error)) note("{}\n", kStartAgain);
  }
  return Next::kGoOn;
}

bool Dialogue::ends_chat(const Error& error) const {
  return error.code() == ErrorCode::kInternal || error.code() == ErrorCode::kNonFinite ||
         (error.code() == ErrorCode::kInterrupted && !held_);
}

// Whether an engine refused a question that would fit into a new conversation.
bool Dialogue::has_no_room(const Error& error) const {
  const bool refused = error.code() == ErrorCode::kUsage || error.code() == ErrorCode::kUnavailable;
  return refused && std::ranges::any_of(chat_.messages, [](const Message& m) { return m.role() == "assistant"; });
}

void Dialogue::check_all_done() const {
  if (editor_.is_terminal() || !first_failure_) return;
  throw Error(*first_failure_, "chat", fmt::format("{} of {} lines failed", failed_, lines_),
              "the messages above say why");
}

Dialogue::Next Dialogue::run_command(const std::string& line) {
  switch (commands_.run(line)) {
    case ChatCommands::Effect::kLeave:
      return Next::kLeave;
    case ChatCommands::Effect::kAnswerAgain:
      request_.sampling.seed += 1;
      turn();
      break;
    case ChatCommands::Effect::kNone:
      break;
  }
  return Next::kGoOn;
}

// Gets one answer, and one more after each round of tool results. When a question cannot be answered, removes it from
// the chat, so that the person can ask differently.
void Dialogue::turn() {
  const std::vector<Message> before = chat_.messages;
  try {
    while (true) {
      const Reply reply = say();
      chat_.messages.push_back(Message::assistant(reply));
      if (reply.tool_calls.empty()) return;
      ask_for_results(reply);
      if (chat_.messages.back().role() != "tool") return;
    }
  } catch (const Error&) {
    chat_.messages = before;
    if (!chat_.messages.empty()) chat_.messages.pop_back();
    throw;
  }
}

// Throws kInterrupted where Ctrl-C ends the program.
bool Dialogue::was_interrupted() const {
  if (held_) return HeldInterrupts::take();
  throw_if_interrupted();
  return false;
}

Reply Dialogue::say() {
  request_.chat = chat_;
  report_.seed = request_.sampling.seed;
  GenerationReport report(report_);
  ReplyPrinter printer;
  const auto show = [&](const Event& event) {
    if (const auto* draw = std::get_if<Draw>(&event.what)) report.add(*draw);
    if (const auto* piece = std::get_if<ReplyEvent>(&event.what)) printer.show(*piece);
  };
  Answer answered = answer(engine_, request_, {.show = show, .has_enough = [this] { return was_interrupted(); }});
  if (answered.usage.tokens == 0) throw Error(ErrorCode::kInterrupted, "chat", "interrupted");
  printer.finish();
  report.finish(answered);
  // The last token of an answer needs no place in the context.
  if (answered.usage.prompt_tokens + answered.usage.tokens > engine_.context()) {
    note("the context of {} tokens is full\n{}\n", engine_.context(), kStartAgain);
  }
  return std::move(answered.reply);
}

// The person types the results of the tools. An empty line, Ctrl-C or Ctrl-D leaves the calls unanswered.
void Dialogue::ask_for_results(const Reply& reply) {
  for (const ToolCall& call : reply.tool_calls) {
    const TypedLine result = read(fmt::format("{} returns> ", call.name));
    if (result.kind != TypedLine::Kind::kText || result.text.empty()) return;
    chat_.messages.push_back(Message::tool_result(call, result.text));
  }
}

void run_chat(ChatOptions& options) {
  const Checkpoint checkpoint(options.directory);
  prepare_speculation(options.common.engine);
  options.common.engine.text = TextNeed::kChat;
  check_sampling_flags(options.sampling, static_cast<int32_t>(checkpoint.config.vocab));
  Chat chat = prepare(options.question);

  ReadyEngine loaded = load_engine(checkpoint, options.common);
  Request request = request_of(options.sampling, loaded.engine.advised_sampling());
  ReportOptions report;
  report.model = loaded.ready.name;
  report.load_s = loaded.ready.load_s;
  Dialogue dialogue(loaded.engine, std::move(chat), std::move(request), std::move(report));
  dialogue.run();
}

}  // namespace

void add_chat(CLI::App& app) {
  auto options = std::make_shared<ChatOptions>();
  options->common.engine = answering_options(kMaxRows);
  options->sampling.max_tokens = kMaxTokens;
  CLI::App& command = *app.add_subcommand("chat", "Talk with a model; /help inside lists the commands");
  command.footer(
      "moebius chat Qwen3.5-35B-A3B-3bit\n"
      "moebius chat Qwen3.5-35B-A3B-3bit --system \"Answer in one sentence.\" --think off\n"
      "moebius chat Qwen3.5-35B-A3B-3bit --tools tools.json --temperature 0");
  add_directory(command, options->directory);
  add_question_flags(command, options->question);
  add_sampling_flags(command, options->sampling);
  add_speculation_option(command, options->common);
  add_cache_options(command, options->common);
  add_experts_option(command, options->common);
  add_common_options(command, options->common);
  command.callback([options] { run_chat(*options); });
}

}  // namespace moebius::internal::apps
