// Case by utf8proc (Unicode 14, as Python 3.11), with the mappings to several characters that it lacks.
#include "template/jinja/case.h"

#include <utf8proc.h>

#include <algorithm>
#include <optional>
#include <string>

#include "template/jinja/special_case.h"

namespace moebius::internal::jinja {
namespace {

enum class Case { kUpper, kLower, kTitle };

constexpr char32_t kSigma = 0x3a3;
constexpr char32_t kFinalSigma = 0x3c2;
constexpr char32_t kDottedI = 0x130;

const SpecialCase* special_case(char32_t value) {
  const auto before = [](const SpecialCase& row, char32_t wanted) { return row.value < wanted; };
  const auto* row = std::lower_bound(std::begin(kSpecialCases), std::end(kSpecialCases), value, before);
  return row == std::end(kSpecialCases) || row->value != value ? nullptr : row;
}

std::string mapped(char32_t value, Case wanted) {
  const auto code = static_cast<utf8proc_int32_t>(value);
  std::string out;
  if (wanted == Case::kLower) {
    if (value == kDottedI) return "i\xcc\x87";
    append_code_point(out, static_cast<char32_t>(utf8proc_tolower(code)));
    return out;
  }
  if (const SpecialCase* row = special_case(value)) {
    const std::string_view special = wanted == Case::kUpper ? row->upper : row->title;
    if (!special.empty()) return std::string(special);
  }
  append_code_point(out,
                    static_cast<char32_t>(wanted == Case::kUpper ? utf8proc_toupper(code) : utf8proc_totitle(code)));
  return out;
}

utf8proc_category_t category(char32_t value) { return utf8proc_category(static_cast<utf8proc_int32_t>(value)); }

bool is_lower_letter(char32_t value) {
  return category(value) == UTF8PROC_CATEGORY_LL || utf8proc_islower(static_cast<utf8proc_int32_t>(value)) != 0;
}
bool is_upper_letter(char32_t value) {
  return category(value) == UTF8PROC_CATEGORY_LU || utf8proc_isupper(static_cast<utf8proc_int32_t>(value)) != 0;
}
bool has_case(char32_t value) {
  return is_lower_letter(value) || is_upper_letter(value) || category(value) == UTF8PROC_CATEGORY_LT;
}
bool is_case_ignorable(char32_t value) {
  switch (category(value)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK:
      return true;
    default:
      return value == '\'' || value == '.' || value == ':' || value == 0xb7 || value == 0x2019;
  }
}

// A sigma at the end of a word has a form of its own. Such a sigma has a letter before it and none after it.
bool is_final_sigma(Budget& budget, std::string_view text, size_t at) {
  size_t before = at;
  char32_t value = ' ';
  do {
    if (before == 0) return false;
    budget.step();  // a text of sigmas among nothing but accents is quadratic
    before = previous_code_point(text, before);
    value = code_point_at(text, before).value;
  } while (is_case_ignorable(value));
  if (!has_case(value)) return false;
  for (size_t after = at + 2; after < text.size(); after += code_point_at(text, after).length) {
    budget.step();
    value = code_point_at(text, after).value;
    if (!is_case_ignorable(value)) return !has_case(value);
  }
  return true;
}

// Maps each character to the case that `choose` gives it. Where it gives nothing, the character stays as it is.
template <typename Choose>
Text map_case(Budget& budget, const Text& text, const Choose& choose) {
  TextBuilder out(budget);
  const std::string_view words = text.text;
  for (size_t at = 0; at < words.size();) {
    const CodePoint point = code_point_at(words, at);
    const std::optional<Case> wanted = choose(point.value);
    if (!wanted) {
      out.add(text, at, at + point.length);
    } else if (*wanted == Case::kLower && point.value == kSigma) {
      out.add_made_from(is_final_sigma(budget, words, at) ? "\xcf\x82" : "\xcf\x83", text, at, at + point.length);
    } else {
      out.add_made_from(mapped(point.value, *wanted), text, at, at + point.length);
    }
    at += point.length;
  }
  return out.take();
}

bool is_digit(char32_t value) {  // superscripts and circled digits too
  return category(value) == UTF8PROC_CATEGORY_ND || value == 0xb2 || value == 0xb3 || value == 0xb9 ||
         value == 0x2070 || (value >= 0x2074 && value <= 0x2079) || (value >= 0x2080 && value <= 0x2089) ||
         (value >= 0x2460 && value <= 0x2468) || (value >= 0x2474 && value <= 0x247c) ||
         (value >= 0x2488 && value <= 0x2490) || value == 0x24ea;
}

bool is_numeric(char32_t value) {
  const auto kind = category(value);
  return kind == UTF8PROC_CATEGORY_ND || kind == UTF8PROC_CATEGORY_NL || kind == UTF8PROC_CATEGORY_NO;
}

bool is_alpha(char32_t value) {
  switch (category(value)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return true;
    default:
      return false;
  }
}

bool is_of(char32_t value, CharacterClass wanted) {
  switch (wanted) {
    case CharacterClass::kAlpha:
      return is_alpha(value);
    case CharacterClass::kDigit:
      return is_digit(value);
    case CharacterClass::kDecimal:
      return category(value) == UTF8PROC_CATEGORY_ND;
    case CharacterClass::kNumeric:
      return is_numeric(value);
    case CharacterClass::kAlphanumeric:
      return is_alpha(value) || is_numeric(value);
    case CharacterClass::kSpace:
      return is_space(value);
    case CharacterClass::kAscii:
      return value < 0x80;
    case CharacterClass::kPrintable:
      break;
  }
  return is_printable(value);
}

template <typename Visit>
void for_each_character(Budget& budget, const Text& text, const Visit& visit) {
  budget.bytes(text.text.size());
  for (size_t at = 0; at < text.text.size();) {
    const CodePoint point = code_point_at(text.text, at);
    visit(point.value);
    at += point.length;
  }
}

}  // namespace

Text upper(Budget& budget, const Text& text) {
  return map_case(budget, text, [](char32_t) { return std::optional(Case::kUpper); });
}

Text lower(Budget& budget, const Text& text) {
  return map_case(budget, text, [](char32_t) { return std::optional(Case::kLower); });
}

Text swap_case(Budget& budget, const Text& text) {
  return map_case(budget, text, [](char32_t value) -> std::optional<Case> {
    if (is_upper_letter(value)) return Case::kLower;
    return is_lower_letter(value) ? std::optional(Case::kUpper) : std::nullopt;
  });
}

Text capitalize(Budget& budget, const Text& text) {
  bool is_first = true;
  return map_case(budget, text, [&](char32_t) {
    return std::optional(std::exchange(is_first, false) ? Case::kTitle : Case::kLower);
  });
}

Text title(Budget& budget, const Text& text) {
  bool is_inside = false;
  return map_case(budget, text, [&](char32_t value) {
    return std::optional(std::exchange(is_inside, has_case(value)) ? Case::kLower : Case::kTitle);
  });
}

Text filter_title(Budget& budget, const Text& text) {
  bool is_start = true;
  return map_case(budget, text, [&](char32_t value) {
    const bool is_break =
        is_space(value) ||
        (value < 0x80 && std::string_view("-({[<").find(static_cast<char>(value)) != std::string_view::npos);
    return std::optional(std::exchange(is_start, is_break) ? Case::kUpper : Case::kLower);
  });
}

bool all_of_class(Budget& budget, const Text& text, CharacterClass wanted) {
  bool holds = !text.text.empty() || wanted == CharacterClass::kAscii || wanted == CharacterClass::kPrintable;
  for_each_character(budget, text, [&](char32_t value) { holds = holds && is_of(value, wanted); });
  return holds;
}

bool is_upper(Budget& budget, const Text& text) {
  bool found = false;
  bool others = false;
  for_each_character(budget, text, [&](char32_t value) {
    found = found || is_upper_letter(value);
    others = others || is_lower_letter(value) || category(value) == UTF8PROC_CATEGORY_LT;
  });
  return found && !others;
}

bool is_lower(Budget& budget, const Text& text) {
  bool found = false;
  bool others = false;
  for_each_character(budget, text, [&](char32_t value) {
    found = found || is_lower_letter(value);
    others = others || is_upper_letter(value) || category(value) == UTF8PROC_CATEGORY_LT;
  });
  return found && !others;
}

bool is_printable(char32_t value) {
  switch (category(value)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
      return false;
    case UTF8PROC_CATEGORY_ZS:
      return value == ' ';
    default:
      return true;
  }
}

}  // namespace moebius::internal::jinja
