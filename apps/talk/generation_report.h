// Reports an answer beside its text: tokens and speed as a line on stderr, and on request everything as JSON on stdout.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "talk/answering.h"

namespace moebius::internal::apps {

struct ReportOptions {
  std::string model;
  double load_s = 0;
  uint64_t seed = 0;
  bool json = false;
  bool with_logprobs = false;                      // adds the logprobs to the JSON
  std::function<std::string(int32_t)> token_text;  // null: the JSON has ids only
};

class GenerationReport {
 public:
  explicit GenerationReport(ReportOptions options) : options_(std::move(options)) {}

  [[nodiscard]] bool json() const { return options_.json; }

  void add(const Draw& token);  // call it for each token of the answer
  // Writes the line, and the JSON when options.json is set.
  void finish(const Answer& answer) const;

 private:
  [[nodiscard]] Json logprob_json(const TokenLogprob& token) const;
  [[nodiscard]] Json to_json(const Answer& answer) const;

  ReportOptions options_;
  Json logprobs_ = Json::array();
  std::vector<int32_t> tokens_;
};

}  // namespace moebius::internal::apps
