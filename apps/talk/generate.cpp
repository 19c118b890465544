// `moebius generate`: continues token ids or text, or answers a question or a conversation. It prints tokens as they
// come, and at the end it reports the speed.
#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/loading.h"
#include "cli/output.h"
#include "cli/text_input.h"
#include "cli/tokens.h"
#include "moebius/error.h"
#include "talk/answering.h"
#include "talk/conversation.h"
#include "talk/generation_report.h"
#include "talk/question.h"
#include "talk/reply_printer.h"
#include "talk/sampling_flags.h"

namespace moebius::internal::apps {
namespace {

constexpr int64_t kMaxRows = 512;  // prompt tokens in one step

struct GenerateOptions {
  CommonOptions common;
  SamplingFlags sampling;
  Question question;
  std::string directory;
  std::string tokens;
  std::string conversation;
  std::optional<std::string> prompt;
  bool chat = false;
  int32_t logprobs = -1;
};

// The defaults for prompts that are not a conversation: the likeliest token each time, unless flags say otherwise.
SamplingOptions greedy() {
  SamplingOptions sampling;
  sampling.temperature = 0;
  return sampling;
}

bool is_chat(const GenerateOptions& options) { return options.chat || !options.conversation.empty(); }

// Checks that there is exactly one prompt. Does not read it.
void check_prompt(const GenerateOptions& options) {
  const int prompts =
      (options.prompt ? 1 : 0) + (options.tokens.empty() ? 0 : 1) + (options.conversation.empty() ? 0 : 1);
  if (prompts > 1) {
    throw Error(ErrorCode::kUsage, "-p, --tokens, --conversation", fmt::format("are {} prompts", prompts),
                "give one of them");
  }
  if (options.chat && !options.tokens.empty()) {
    throw Error(ErrorCode::kUsage, "--chat", "needs text, not token ids", "give the question with -p");
  }
  if (prompts == 1) return;
  if (isatty(STDIN_FILENO) != 0) {
    throw Error(ErrorCode::kUsage, "generate", "there is no prompt",
                "give -p TEXT, --tokens 1,2,3, --conversation FILE, or pipe text into it");
  }
}

void check_length(const GenerateOptions& options, const Checkpoint& checkpoint, size_t prompt_tokens) {
  const int64_t needed =
      static_cast<int64_t>(prompt_tokens) + options.sampling.max_tokens - 1;  // the last token is not appended
  if (needed <= options.common.engine.limits.context) return;
  throw Error(ErrorCode::kUsage, "--max-tokens",
              fmt::format("{} after a prompt of {} exceed the context of {}", options.sampling.max_tokens,
                          prompt_tokens, options.common.engine.limits.context),
              needed <= checkpoint.config.max_positions
                  ? fmt::format("give --ctx {}, or fewer tokens", needed)
                  : fmt::format("give fewer tokens: the model has {} positions", checkpoint.config.max_positions));
}

// Makes every check that needs no weights, before minutes are spent on loading.
void check_before_loading(GenerateOptions& options, const Checkpoint& checkpoint) {
  check_prompt(options);
  prepare_speculation(options.common.engine);
  options.common.engine.text = is_chat(options)         ? TextNeed::kChat
                               : options.tokens.empty() ? TextNeed::kText
                                                        : TextNeed::kNone;
  check_sampling_flags(options.sampling, static_cast<int32_t>(checkpoint.config.vocab));
  settle_context(checkpoint, options.common.engine);
}

Request make_request(const GenerateOptions& options, const SamplingOptions& defaults) {
  Request request = request_of(options.sampling, defaults);
  request.sampling.logprobs = options.logprobs;
  return request;
}

ReportOptions report_options(const Ready& ready, const GenerateOptions& options, const Request& request) {
  ReportOptions report;
  report.model = ready.name;
  report.load_s = ready.load_s;
  report.seed = request.sampling.seed;
  report.json = options.common.json;
  report.with_logprobs = options.logprobs >= 0;
  return report;
}

bool never_enough() {
  throw_if_interrupted();
  return false;
}

// Continues token ids. Prints token ids too, one per line.
void run_on_ids(const GenerateOptions& options, const Checkpoint& checkpoint) {
  const std::vector<int32_t> prompt = parse_tokens(options.tokens);
  check_length(options, checkpoint, prompt.size());
  ReadyEngine loaded = load_engine(checkpoint, options.common);
  Request request = make_request(options, greedy());
  request.tokens = prompt;
  GenerationReport report(report_options(loaded.ready, options, request));
  const auto show = [&](const Event& event) {
    const auto* draw = std::get_if<Draw>(&event.what);
    if (draw == nullptr) return;
    report.add(*draw);
    if (report.json()) return;
    print("{}\n", draw->token);
    flush_output();
  };
  report.finish(answer(loaded.engine, request, {.show = show, .has_enough = never_enough}));
}

void answer_text(ReadyEngine& loaded, const GenerateOptions& options, const Request& request) {
  Engine& engine = loaded.engine;
  ReportOptions told = report_options(loaded.ready, options, request);
  told.token_text = [&engine](int32_t id) { return engine.token_text(id); };
  GenerationReport report(told);
  ReplyPrinter printer;
  const auto show = [&](const Event& event) {
    if (const auto* draw = std::get_if<Draw>(&event.what)) report.add(*draw);
    const auto* piece = std::get_if<ReplyEvent>(&event.what);
    if (piece != nullptr && !report.json()) printer.show(*piece);
  };
  const Answer answered = answer(engine, request, {.show = show, .has_enough = never_enough});
  printer.finish();
  report.finish(answered);
}

// Reads the prompt and sets the request's chat or text.
Request read_prompt(const GenerateOptions& options) {
  Request request;
  if (!options.conversation.empty()) {
    request.chat = prepare(options.question, read_conversation(options.conversation));
    return request;
  }
  const std::string prompt = read_text_argument(options.prompt.value_or("-"));
  if (prompt.empty()) throw Error(ErrorCode::kUsage, "--prompt", "is empty", "say something");
  if (!options.chat) {
    request.text = prompt;
    return request;
  }
  request.chat = prepare(options.question);
  request.chat->messages.push_back(Message::user(prompt));
  return request;
}

void run_on_text(const GenerateOptions& options, const Checkpoint& checkpoint) {
  Request asked = read_prompt(options);
  ReadyEngine loaded = load_engine(checkpoint, options.common);
  Request request = make_request(options, asked.chat ? loaded.engine.advised_sampling() : greedy());
  request.chat = std::move(asked.chat);
  request.text = std::move(asked.text);
  if (!request.chat) check_length(options, checkpoint, loaded.engine.encode(request.text).size());
  answer_text(loaded, options, request);
}

void run_generate(GenerateOptions& options) {
  const Checkpoint checkpoint(options.directory);
  check_before_loading(options, checkpoint);
  if (options.tokens.empty()) {
    run_on_text(options, checkpoint);
  } else {
    run_on_ids(options, checkpoint);
  }
}

}  // namespace

void add_generate(CLI::App& app) {
  auto options = std::make_shared<GenerateOptions>();
  options->common.engine = answering_options(kMaxRows);
  options->common.engine.cache.keep_prefixes = false;  // pointless: there is no second request
  CLI::App& command = *app.add_subcommand("generate", "Continue text or token ids, or answer a question");
  command.footer(
      "moebius generate Qwen3.5-35B-A3B-3bit -p \"Once upon a time\" --max-tokens 64\n"
      "moebius generate Qwen3.5-35B-A3B-3bit --chat --system \"Summarise.\" -p @letter.txt\n"
      "moebius generate Qwen3.5-35B-A3B-3bit --tokens 1,2,3 --json");
  add_directory(command, options->directory);
  command.add_option("-p,--prompt", options->prompt, "The prompt: text, @FILE, or - for standard input")
      ->type_name("TEXT|@FILE|-");
  command.add_option("--tokens", options->tokens, "The prompt as token ids, or a file of them; ids come out")
      ->type_name("1,2,3|@FILE");
  command.add_flag("--chat", options->chat, "The prompt is a question: answer it by the model's chat template");
  command
      .add_option("--conversation", options->conversation,
                  "Answer a conversation, as `moebius render` reads it and /save of a chat writes it")
      ->type_name("FILE|-");
  add_question_flags(command, options->question);
  command.add_option("--logprobs", options->logprobs, "With --json: logprobs of each token and of the N likeliest")
      ->type_name("N")
      ->check(CLI::Range(0, SamplingLimits::kLogprobs).description(""));
  add_sampling_flags(command, options->sampling);
  add_speculation_option(command, options->common);
  add_experts_option(command, options->common);
  add_common_options(command, options->common);
  command.callback([options] { run_generate(*options); });
}

}  // namespace moebius::internal::apps
