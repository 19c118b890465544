// What is told of an answer beside its text: tokens and speed as a line on stderr, and everything as JSON on stdout.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "engine/conversation.h"

namespace moebius::apps {

struct ReportOptions {
  std::string model;
  double load_s = 0;
  uint64_t seed = 0;
  bool json = false;
  bool with_logprobs = false;            // in the JSON
  const Tokenizer* tokenizer = nullptr;  // null: ids alone
};

class GenerationReport {
 public:
  explicit GenerationReport(ReportOptions options) : options_(std::move(options)) {}

  [[nodiscard]] bool json() const { return options_.json; }

  // In this order: before the prompt, before the first token, each token, the end.
  void start_prompt(Runner& engine);
  void start_decode(Runner& engine, const PromptCounts& prompt);
  void add(const GeneratedToken& token);
  void set_text(const std::string& text) { result_["text"] = text; }
  void set_reply(const Reply& reply);
  // Writes the line, and the JSON when it is wanted.
  void finish(Runner& engine, const Generation& generation);

 private:
  using Clock = std::chrono::steady_clock;
  [[nodiscard]] Json logprob_json(const TokenLogprob& token) const;

  ReportOptions options_;
  PromptCounts prompt_;
  Json result_ = Json::object();
  Json logprobs_ = Json::array();
  std::vector<int32_t> tokens_;
  Clock::time_point start_;
  double prompt_s_ = 0, decode_s_ = 0;
  uint64_t decode_bytes_ = 0;
};

// "stop", "length" or "none": as --json and the notes spell it.
std::string_view name(GenerationEnd end);

}  // namespace moebius::apps
