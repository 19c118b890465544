// `moebius generate`: continues token ids, text, or a conversation of one question, as it comes; at the end how fast
// that was.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "commands.h"
#include "engine/conversation.h"
#include "engine/runner.h"
#include "generation_report.h"
#include "interrupt.h"
#include "moebius/error.h"
#include "output.h"
#include "question.h"
#include "reply_printer.h"
#include "sampling_flags.h"
#include "session.h"
#include "text_input.h"
#include "tokens.h"

namespace moebius::apps {
namespace {

struct GenerateOptions {
  CommonOptions common;
  SamplingFlags sampling;
  Question question;
  std::string directory;
  std::string tokens;
  std::optional<std::string> prompt;
  bool chat = false;
  int32_t logprobs = -1;
};

// What is no conversation goes on as the model finds likeliest, unless flags say otherwise.
GenerationDefaults greedy() {
  GenerationDefaults defaults;
  defaults.do_sample = false;
  return defaults;
}

// Only whether anything was asked, before minutes are spent on loading.
void check_prompt(const GenerateOptions& options) {
  const bool text = options.prompt.has_value();
  if (text && !options.tokens.empty()) {
    throw Error(ErrorCode::kUsage, "--tokens, -p", "are two prompts", "give one of them");
  }
  if (options.chat && !options.tokens.empty()) {
    throw Error(ErrorCode::kUsage, "--chat", "needs text, not token ids", "give the question with -p");
  }
  if (text || !options.tokens.empty()) return;
  if (isatty(STDIN_FILENO) != 0) {
    throw Error(ErrorCode::kUsage, "generate", "there is no prompt",
                "give -p TEXT, --tokens 1,2,3, or pipe text into it");
  }
}

void check_length(const GenerateOptions& options, size_t prompt_tokens) {
  const int64_t needed =
      static_cast<int64_t>(prompt_tokens) + options.sampling.max_tokens - 1;  // the last one is not appended
  if (needed <= options.common.engine.context) return;
  throw Error(ErrorCode::kUsage, "--max-tokens",
              fmt::format("{} after a prompt of {} exceed the context of {}", options.sampling.max_tokens,
                          prompt_tokens, options.common.engine.context),
              fmt::format("give --ctx {}, or fewer tokens", needed));
}

// Ids without a text: what comes out is ids too, one a line.
void continue_ids(Runner& engine, const std::vector<int32_t>& prompt, GenerationOptions options,
                  GenerationReport& report) {
  options.stop_ids = engine.stop_ids();
  Sequence sequence = engine.start();
  report.start_prompt(engine);
  Generation generation(sequence, sequence.append(prompt), nullptr, std::move(options));
  report.start_decode(engine, {.tokens = static_cast<int64_t>(prompt.size()), .reused = 0});
  while (const auto token = generation.next()) {
    report.add(*token);
    if (report.json()) continue;
    print("{}\n", token->draw.token);
    flush_output();
  }
  report.finish(engine, generation);
}

void continue_text(Runner& engine, const ModelText& text, const std::vector<int32_t>& prompt, GenerationOptions options,
                   GenerationReport& report) {
  options.stop_ids = stop_ids(engine.stop_ids(), text);
  Sequence sequence = engine.start();
  report.start_prompt(engine);
  Generation generation(sequence, sequence.append(prompt), &text.tokenizer, std::move(options));
  report.start_decode(engine, {.tokens = static_cast<int64_t>(prompt.size()), .reused = 0});
  std::string all;
  const auto say = [&](const std::string& piece) {
    all += piece;
    if (!report.json() && !piece.empty()) print_text(piece);
  };
  while (const auto token = generation.next()) {
    report.add(*token);
    say(token->text);
  }
  say(generation.finish());
  if (!report.json() && !all.ends_with('\n')) print_text("\n");
  report.set_text(all);
  report.finish(engine, generation);
}

void answer_question(Runner& engine, Conversation& conversation, const GenerationOptions& options,
                     GenerationReport& report) {
  report.start_prompt(engine);
  Answer answer = conversation.answer(options, [](int64_t, int64_t) { throw_if_interrupted(); });
  report.start_decode(engine, answer.prompt());
  ReplyPrinter printer;
  const auto show = [&](const std::vector<ReplyEvent>& events) {
    if (!report.json()) printer.show(events);
  };
  while (const auto step = answer.next()) {
    report.add(step->token);
    show(step->events);
  }
  show(answer.finish());
  if (!report.json()) printer.finish();
  report.set_reply(answer.reply());
  report.finish(engine, answer.generation());
}

GenerationReport report_on(const Ready& ready, const GenerateOptions& options, const GenerationOptions& generation,
                           const Tokenizer* tokenizer) {
  return GenerationReport({.model = ready.name,
                           .load_s = ready.load_s,
                           .seed = generation.sampling.seed,
                           .json = options.common.json,
                           .with_logprobs = options.logprobs >= 0,
                           .tokenizer = tokenizer});
}

GenerationOptions with_logprobs(GenerationOptions generation, int32_t logprobs) {
  generation.sampling.logprobs = logprobs;
  return generation;
}

void run_on_ids(const GenerateOptions& options) {
  const std::vector<int32_t> prompt = parse_tokens(options.tokens);
  check_length(options, prompt.size());
  const GenerationOptions generation = with_logprobs(
      generation_options(options.sampling, greedy(), std::numeric_limits<int32_t>::max()), options.logprobs);
  ReadyEngine loaded = load_engine(options.directory, options.common);
  GenerationReport report = report_on(loaded.ready, options, generation, nullptr);
  continue_ids(loaded.engine, prompt, generation, report);
}

void run_on_text(const GenerateOptions& options) {
  const ModelText text = load_model_text(options.directory);
  const std::string prompt = read_text_argument(options.prompt.value_or("-"));
  const std::vector<int32_t> ids = options.chat ? std::vector<int32_t>() : text.tokenizer.encode(prompt);
  if (options.chat) {
    text.chat.choose(Json::array());  // fails now, not after loading
  } else {
    check_length(options, ids.size());
  }
  const GenerationOptions generation = with_logprobs(
      generation_options(options.sampling, options.chat ? text.sampling : greedy(), text.tokenizer.vocab_size()),
      options.logprobs);
  ReadyEngine loaded = load_engine(options.directory, options.common);
  GenerationReport report = report_on(loaded.ready, options, generation, &text.tokenizer);
  if (!options.chat) return continue_text(loaded.engine, text, ids, generation, report);
  Conversation conversation(loaded.engine, text);
  ask(conversation, options.question, prompt);
  answer_question(loaded.engine, conversation, generation, report);
}

void run_generate(const GenerateOptions& options) {
  check_prompt(options);
  if (options.tokens.empty()) {
    run_on_text(options);
  } else {
    run_on_ids(options);
  }
}

}  // namespace

void add_generate(CLI::App& app) {
  auto options = std::make_shared<GenerateOptions>();
  CLI::App& command = *app.add_subcommand("generate", "Continue text or token ids, or answer one question");
  command.footer(
      "moebius generate Qwen3.5-35B-A3B-3bit -p \"Once upon a time\" --max-tokens 64\n"
      "moebius generate Qwen3.5-35B-A3B-3bit --chat -p \"What is 12+9?\"\n"
      "moebius generate Qwen3.5-35B-A3B-3bit --chat --system \"Summarise.\" -p @letter.txt\n"
      "moebius generate Qwen3.5-35B-A3B-3bit --tokens 1,2,3 --json");
  add_directory(command, options->directory);
  command.add_option("-p,--prompt", options->prompt, "The prompt: text, @FILE, or - for standard input")
      ->type_name("TEXT|@FILE|-");
  command.add_option("--tokens", options->tokens, "The prompt as token ids, or a file of them; ids come out")
      ->type_name("1,2,3|@FILE");
  command.add_flag("--chat", options->chat, "The prompt is a question: answer it by the model's chat template");
  add_question_flags(command, options->question);
  command.add_option("--logprobs", options->logprobs, "With --json: logprobs of each token and of the N likeliest")
      ->type_name("N")
      ->check(CLI::Range(0, SamplingLimits::kLogprobs).description(""));
  add_sampling_flags(command, options->sampling);
  add_experts_option(command, options->common);
  add_common_options(command, options->common);
  command.callback([options] { run_generate(*options); });
}

}  // namespace moebius::apps
