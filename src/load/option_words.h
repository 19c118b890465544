// The words for the values of EngineOptions' enumerations, as flags, settings and messages spell them. There is one
// table for each enumeration.
#pragma once

#include <fmt/format.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/quote.h"
#include "moebius/engine_options.h"
#include "moebius/error.h"

namespace moebius::internal {

template <typename Enum>
struct OptionWord {
  std::string_view text;
  Enum value;
};

// Returns the words of an enumeration in the order in which help pages show them. Defined for BackendKind,
// InstructionSet, ExpertPath, ActivationKind, KvType and PackedUse.
template <typename Enum>
std::span<const OptionWord<Enum>> option_words();

template <>
std::span<const OptionWord<BackendKind>> option_words();
template <>
std::span<const OptionWord<InstructionSet>> option_words();
template <>
std::span<const OptionWord<ExpertPath>> option_words();
template <>
std::span<const OptionWord<ActivationKind>> option_words();
template <>
std::span<const OptionWord<KvType>> option_words();
template <>
std::span<const OptionWord<PackedUse>> option_words();

// Returns the words of an enumeration, for example "unfused", "concat", "fused".
template <typename Enum>
std::vector<std::string> option_texts() {
  std::vector<std::string> texts;
  for (const OptionWord<Enum>& word : option_words<Enum>()) texts.emplace_back(word.text);
  return texts;
}

// Returns the word for a value.
template <typename Enum>
std::string_view word(Enum value) {
  for (const OptionWord<Enum>& known : option_words<Enum>()) {
    if (known.value == value) return known.text;
  }
  return "?";
}

// Returns the value of a word. Throws kUsage for a word that the enumeration lacks; the message names `option`.
template <typename Enum>
Enum parse_word(const std::string& option, std::string_view text) {
  for (const OptionWord<Enum>& known : option_words<Enum>()) {
    if (known.text == text) return known.value;
  }
  throw Error(ErrorCode::kUsage, option,
              fmt::format("expected one of {}, got {}", fmt::join(option_texts<Enum>(), ", "), in_quotes(text)));
}

}  // namespace moebius::internal
