// See talk/generation_report.h.
#include "talk/generation_report.h"

#include <fmt/format.h>

#include "cli/output.h"
#include "dialogue/chat_json.h"

namespace moebius::internal::apps {
namespace {

double per(double count, double whole) { return whole > 0 ? count / whole : 0; }

double prompt_speed(const Usage& usage) {
  return per(static_cast<double>(usage.prompt_tokens - usage.reused_tokens), usage.prompt_s);
}

// The first token comes from the last prompt step, so decode_s does not include it.
double decode_speed(const Usage& usage) {
  return usage.tokens > 0 ? per(static_cast<double>(usage.tokens - 1), usage.decode_s) : 0;
}

double bandwidth(const Answer& answer) {
  return per(static_cast<double>(answer.decode_bytes) / 1e9, answer.usage.decode_s);
}

std::string of_drafts(const Usage& usage) {
  if (usage.drafted == 0) return "";
  return fmt::format(", {:.2f} tokens a step, {:.0f}% of {} drafts right",
                     per(static_cast<double>(usage.tokens), static_cast<double>(usage.steps)),
                     100 * per(static_cast<double>(usage.accepted), static_cast<double>(usage.drafted)), usage.drafted);
}

}  // namespace

Json GenerationReport::logprob_json(const TokenLogprob& token) const {
  Json json = {{"id", token.id}, {"logprob", rounded(token.logprob)}};
  if (options_.token_text) json["text"] = options_.token_text(token.id);
  return json;
}

void GenerationReport::add(const Draw& token) {
  tokens_.push_back(token.token);
  if (!options_.with_logprobs) return;
  Json one = logprob_json({token.token, token.logprob});
  one["top"] = Json::array();
  for (const TokenLogprob& other : token.top) one["top"].push_back(logprob_json(other));
  logprobs_.push_back(std::move(one));
}

Json GenerationReport::to_json(const Answer& answer) const {
  const Usage& usage = answer.usage;
  Json json = {{"model", options_.model}, {"prompt_tokens", usage.prompt_tokens}, {"tokens", tokens_}};
  if (options_.token_text) json["text"] = answer.reply.content;
  if (!answer.reply.reasoning.empty()) json["reasoning"] = answer.reply.reasoning;
  if (!answer.reply.tool_calls.empty()) json["tool_calls"] = tool_calls_json(answer.reply);
  json.update({{"end", name(answer.end)},
               {"seed", options_.seed},
               {"load_s", rounded(options_.load_s)},
               {"prompt_s", rounded(usage.prompt_s)},
               {"decode_s", rounded(usage.decode_s)},
               {"tok_s", rounded(decode_speed(usage))},
               {"gb_s", rounded(bandwidth(answer))},
               {"reused_tokens", usage.reused_tokens},
               {"steps", usage.steps},
               {"drafted", usage.drafted},
               {"accepted", usage.accepted}});
  if (!usage.prefix_miss_reason.empty()) json["prefix_miss_reason"] = usage.prefix_miss_reason;
  if (options_.with_logprobs) json["logprobs"] = logprobs_;
  return json;
}

void GenerationReport::finish(const Answer& answer) const {
  const Usage& usage = answer.usage;
  note("prompt: {} tokens{}, {:.1f} tok/s; {} tokens ({}), {:.1f} tok/s, {:.1f} GB/s{}; seed {}\n", usage.prompt_tokens,
       usage.reused_tokens > 0 ? fmt::format(" ({} known)", usage.reused_tokens) : "", prompt_speed(usage),
       usage.tokens, name(answer.end), decode_speed(usage), bandwidth(answer), of_drafts(usage), options_.seed);
  if (options_.json) write_json(to_json(answer));
}

}  // namespace moebius::internal::apps
