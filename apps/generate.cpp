// `moebius generate`: greedy token ids, one a line as they come, and at the end how fast that was.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "commands.h"
#include "moebius/engine.h"
#include "moebius/error.h"
#include "output.h"
#include "session.h"
#include "tokens.h"

namespace moebius::apps {
namespace {

struct GenerateOptions {
  CommonOptions common;
  std::string directory;
  std::string tokens;
  int64_t max_tokens = 128;
};

struct Generation {
  std::vector<int32_t> tokens;
  const char* end = "length";  // or "stop"
  double prompt_s = 0;
  double decode_s = 0;
  uint64_t decode_steps = 0;
  uint64_t decode_bytes = 0;

  [[nodiscard]] double tok_s() const { return decode_s > 0 ? static_cast<double>(decode_steps) / decode_s : 0; }
  [[nodiscard]] double gb_s() const { return decode_s > 0 ? static_cast<double>(decode_bytes) / decode_s / 1e9 : 0; }
};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// said: hears each token at once. The token that ends the answer is part of it.
template <typename Said>
Generation generate(Engine& engine, const std::vector<int32_t>& prompt, int64_t max_tokens, const Said& said) {
  Generation result;
  Sequence sequence = engine.start();
  auto start = std::chrono::steady_clock::now();
  std::vector<float> logits = sequence.append(prompt);
  result.prompt_s = seconds_since(start);
  engine.take_bytes_moved();  // the prompt's
  start = std::chrono::steady_clock::now();
  while (true) {
    const int32_t token = Engine::argmax(logits);
    result.tokens.push_back(token);
    said(token);
    const bool stop = std::ranges::find(engine.stop_ids(), token) != engine.stop_ids().end();
    if (stop) result.end = "stop";
    if (stop || static_cast<int64_t>(result.tokens.size()) >= max_tokens) break;
    logits = sequence.append({token});
    result.decode_steps += 1;
  }
  result.decode_s = seconds_since(start);
  result.decode_bytes = engine.take_bytes_moved();
  return result;
}

Json generation_json(const Generation& g, const Ready& ready, size_t prompt_tokens) {
  return {{"model", ready.name},
          {"prompt_tokens", prompt_tokens},
          {"tokens", g.tokens},
          {"end", g.end},
          {"load_s", rounded(ready.load_s)},
          {"prompt_s", rounded(g.prompt_s)},
          {"decode_s", rounded(g.decode_s)},
          {"tok_s", rounded(g.tok_s())},
          {"gb_s", rounded(g.gb_s())}};
}

void check_length(const GenerateOptions& options, size_t prompt_tokens) {
  const int64_t needed = static_cast<int64_t>(prompt_tokens) + options.max_tokens - 1;  // the last one is not appended
  if (needed <= options.common.engine.context) return;
  throw Error(ErrorCode::kUsage, "--max-tokens",
              fmt::format("{} after a prompt of {} exceed the context of {}", options.max_tokens, prompt_tokens,
                          options.common.engine.context),
              fmt::format("give --ctx {}, or fewer tokens", needed));
}

void run_generate(const GenerateOptions& options) {
  const std::vector<int32_t> prompt = parse_tokens(options.tokens);
  check_length(options, prompt.size());
  const bool json = options.common.json;
  std::optional<Engine> engine;
  const Ready ready = load_with_progress(options.directory, options.common, [&](const EngineOptions& with_progress) {
    engine.emplace(Engine::load(options.directory, with_progress));
  });
  const Generation result = generate(*engine, prompt, options.max_tokens, [json](int32_t token) {
    if (json) return;
    print("{}\n", token);
    flush_output();
  });
  note("prompt: {} tokens, {:.1f} tok/s; {} tokens ({}), {:.1f} tok/s, {:.1f} GB/s\n", prompt.size(),
       static_cast<double>(prompt.size()) / result.prompt_s, result.tokens.size(), result.end, result.tok_s(),
       result.gb_s());
  if (json) write_json(generation_json(result, ready, prompt.size()));
}

}  // namespace

void add_generate(CLI::App& app) {
  auto options = std::make_shared<GenerateOptions>();
  CLI::App& command = *app.add_subcommand("generate", "Continue a sequence greedily, token id by token id");
  command.footer(
      "moebius generate Qwen3.5-35B-A3B-3bit --tokens 1,2,3\n"
      "moebius generate Qwen3.5-35B-A3B-3bit --tokens @ids.txt --max-tokens 16 --json");
  add_directory(command, options->directory);
  command.add_option("--tokens", options->tokens, "The prompt: token ids, or a file of them")
      ->type_name("1,2,3|@FILE")
      ->required();
  command.add_option("--max-tokens", options->max_tokens, "Most tokens to generate; a stop id ends earlier")
      ->type_name("N")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 30).description(""))
      ->capture_default_str();
  add_experts_option(command, options->common);
  add_common_options(command, options->common);
  command.callback([options] { run_generate(*options); });
}

}  // namespace moebius::apps
