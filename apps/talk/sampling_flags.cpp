// See talk/sampling_flags.h.
#include "talk/sampling_flags.h"

#include <charconv>
#include <random>

#include "base/quote.h"
#include "moebius/error.h"
#include "sample/sampling_options.h"
#include "sample/stop_strings.h"

namespace moebius::internal::apps {
namespace {

constexpr const char* kGroup = "Sampling";

template <typename Number>
bool parse(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

LogitBias parse_bias(const std::string& text) {
  LogitBias bias{};
  const size_t equals = text.find('=');
  const std::string_view view = text;
  if (equals != std::string::npos && parse(view.substr(0, equals), bias.id) &&
      parse(view.substr(equals + 1), bias.bias)) {
    return bias;
  }
  throw Error(ErrorCode::kUsage, "--logit-bias", "expected a token id and a number, got " + in_quotes(text),
              "write --logit-bias 42=-100 to forbid token 42");
}

template <typename Number>
void add_number(CLI::App& command, const std::string& flag, Number& number, const std::string& about) {
  command.add_option(flag, number, about)->type_name("X")->group(kGroup);
}

}  // namespace

void add_sampling_flags(CLI::App& command, SamplingFlags& flags) {
  add_number(command, "--temperature", flags.temperature, "0: always the likeliest token [as the model advises, or 0]");
  add_number(command, "--top-k", flags.top_k, "Draw from the K likeliest tokens; 0: off");
  add_number(command, "--top-p", flags.top_p, "Draw from the likeliest tokens that make up P; 1: off");
  add_number(command, "--min-p", flags.min_p, "Draw from tokens at least P times as likely as the likeliest; 0: off");
  add_number(command, "--repetition-penalty", flags.repetition_penalty,
             "Weakens tokens of the prompt and the answer; 1: off");
  add_number(command, "--presence-penalty", flags.presence_penalty, "Weakens tokens of the answer, once; 0: off");
  add_number(command, "--frequency-penalty", flags.frequency_penalty,
             "Weakens tokens of the answer, for each time that they are there; 0: off");
  command.add_option("--logit-bias", flags.logit_bias, "Added to the logit of a token; repeat for more")
      ->type_name("ID=X")
      ->group(kGroup);
  command.add_option("--seed", flags.seed, "A seed and a prompt always give the same answer [random]")
      ->type_name("N")
      ->group(kGroup);
  command.add_option("--stop", flags.stop, "A string that ends the answer; repeat for more")
      ->type_name("TEXT")
      ->group(kGroup);
  command.add_option("--max-tokens", flags.max_tokens, "Most tokens of an answer; a stop id ends earlier")
      ->type_name("N")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 30).description(""))
      ->capture_default_str();
}

void check_sampling_flags(const SamplingFlags& flags, int32_t vocab) {
  const StopStrings stop(flags.stop);
  check(request_of(flags, {}).sampling, vocab);
}

Request request_of(const SamplingFlags& flags, const SamplingOptions& defaults) {
  Request request;
  request.stop = flags.stop;
  request.max_tokens = flags.max_tokens;
  SamplingOptions& options = request.sampling = defaults;
  const auto override_with = [](auto& value, const auto& flag) {
    if (flag) value = *flag;
  };
  override_with(options.temperature, flags.temperature);
  override_with(options.top_k, flags.top_k);
  override_with(options.top_p, flags.top_p);
  override_with(options.min_p, flags.min_p);
  override_with(options.repetition_penalty, flags.repetition_penalty);
  override_with(options.presence_penalty, flags.presence_penalty);
  override_with(options.frequency_penalty, flags.frequency_penalty);
  for (const std::string& bias : flags.logit_bias) options.logit_bias.push_back(parse_bias(bias));
  options.seed = flags.seed ? *flags.seed : std::random_device{}();
  return request;
}

}  // namespace moebius::internal::apps
