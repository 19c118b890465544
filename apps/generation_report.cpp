// See generation_report.h.
#include "generation_report.h"

#include <fmt/format.h>

#include "output.h"

namespace moebius::apps {
namespace {

double per_second(double count, double seconds) { return seconds > 0 ? count / seconds : 0; }

}  // namespace

std::string_view name(GenerationEnd end) {
  switch (end) {
    case GenerationEnd::kStop:
      return "stop";
    case GenerationEnd::kLength:
      return "length";
    case GenerationEnd::kNone:
      break;
  }
  return "none";
}

void GenerationReport::start_prompt(Runner& engine) {
  engine.take_bytes_moved();
  start_ = Clock::now();
}

void GenerationReport::start_decode(Runner& engine, const PromptCounts& prompt) {
  const auto now = Clock::now();
  prompt_ = prompt;
  prompt_s_ = std::chrono::duration<double>(now - start_).count();
  engine.take_bytes_moved();  // the prompt's
  start_ = now;
}

Json GenerationReport::logprob_json(const TokenLogprob& token) const {
  Json json = {{"id", token.id}, {"logprob", rounded(token.logprob)}};
  if (options_.tokenizer != nullptr) json["text"] = options_.tokenizer->decode({{token.id}});
  return json;
}

void GenerationReport::add(const GeneratedToken& token) {
  tokens_.push_back(token.draw.token);
  if (!options_.with_logprobs) return;
  Json one = logprob_json({token.draw.token, token.draw.logprob});
  one["top"] = Json::array();
  for (const TokenLogprob& other : token.draw.top) one["top"].push_back(logprob_json(other));
  logprobs_.push_back(std::move(one));
}

void GenerationReport::set_reply(const Reply& reply) {
  result_["text"] = reply.content;
  if (!reply.reasoning.empty()) result_["reasoning"] = reply.reasoning;
  for (const ToolCall& call : reply.tool_calls) {
    result_["tool_calls"].push_back(
        {{"id", call.id}, {"type", "function"}, {"function", {{"name", call.name}, {"arguments", call.arguments}}}});
  }
}

void GenerationReport::finish(Runner& engine, const Generation& generation) {
  decode_s_ = std::chrono::duration<double>(Clock::now() - start_).count();
  decode_bytes_ = engine.take_bytes_moved();
  // The first token comes with the prompt; each further one is a step.
  const auto steps = static_cast<double>(tokens_.empty() ? 0 : tokens_.size() - 1);
  const auto appended = static_cast<double>(prompt_.tokens - prompt_.reused);
  const double tok_s = per_second(steps, decode_s_);
  const double gb_s = per_second(static_cast<double>(decode_bytes_) / 1e9, decode_s_);
  note("prompt: {} tokens{}, {:.1f} tok/s; {} tokens ({}), {:.1f} tok/s, {:.1f} GB/s; seed {}\n", prompt_.tokens,
       prompt_.reused > 0 ? fmt::format(" ({} known)", prompt_.reused) : "", per_second(appended, prompt_s_),
       tokens_.size(), name(generation.end()), tok_s, gb_s, options_.seed);
  if (!options_.json) return;
  Json json = {{"model", options_.model}, {"prompt_tokens", prompt_.tokens}, {"tokens", tokens_}};
  json.update(result_);
  json.update({{"end", name(generation.end())},
               {"seed", options_.seed},
               {"load_s", rounded(options_.load_s)},
               {"prompt_s", rounded(prompt_s_)},
               {"decode_s", rounded(decode_s_)},
               {"tok_s", rounded(tok_s)},
               {"gb_s", rounded(gb_s)}});
  if (options_.with_logprobs) json["logprobs"] = logprobs_;
  write_json(json);
}

}  // namespace moebius::apps
