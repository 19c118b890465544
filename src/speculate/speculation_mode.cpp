// Parses the value of the option --speculate.
#include "speculate/speculation_mode.h"

#include <fmt/format.h>

#include <charconv>

#include "base/quote.h"
#include "moebius/error.h"

namespace moebius::internal {
namespace {

[[noreturn]] void refuse(std::string_view text) {
  throw Error(ErrorCode::kUsage, "--speculate",
              fmt::format("expected none, auto, mtp, ngram, mtp:N or ngram:N with N from 1 to {}, got {}",
                          SpeculationMode::kMaxDepth, in_quotes(text)));
}

}  // namespace

SpeculationMode parse_speculation_mode(std::string_view text) {
  if (text == "none") return {};
  if (text == "auto") return {.mtp = true, .ngram = true};
  const size_t colon = text.find(':');
  const std::string_view word = text.substr(0, colon);
  SpeculationMode mode{.mtp = word == "mtp", .ngram = word == "ngram"};
  if (mode.off()) refuse(text);
  if (colon == std::string_view::npos) return mode;
  const std::string_view digits = text.substr(colon + 1);
  const char* const end = digits.end();
  const auto [stop, error] = std::from_chars(digits.begin(), end, mode.depth);
  const bool in_range = mode.depth >= 1 && mode.depth <= SpeculationMode::kMaxDepth;
  if (error != std::errc{} || stop != end || !in_range) refuse(text);
  return mode;
}

void check(const SpeculationMode& mode) {
  if (mode.depth < 0 || mode.depth > SpeculationMode::kMaxDepth) {
    throw Error(ErrorCode::kUsage, "speculation",
                fmt::format("expected a depth of 0 to {}, got {}", SpeculationMode::kMaxDepth, mode.depth));
  }
  if (mode.depth > 0 && mode.mtp == mode.ngram) {
    throw Error(ErrorCode::kUsage, "speculation", "a fixed depth needs exactly one source of drafts",
                "set mtp or ngram, or leave the depth at 0");
  }
}

}  // namespace moebius::internal
