// Upper and lower case and the classes of characters, as Python's str has them. Marks stay with their characters.
#pragma once

#include "template/jinja/text.h"

namespace moebius::internal::jinja {

Text upper(Budget& budget, const Text& text);
Text lower(Budget& budget, const Text& text);
Text swap_case(Budget& budget, const Text& text);
Text capitalize(Budget& budget, const Text& text);
Text title(Budget& budget, const Text& text);         // str.title(): a word begins after any character without case
Text filter_title(Budget& budget, const Text& text);  // the title filter: after white space, - ( { [ <

enum class CharacterClass { kAlpha, kDigit, kDecimal, kNumeric, kAlphanumeric, kSpace, kAscii, kPrintable };
// There is a character, and every character is of the class. The empty text is ASCII and printable.
bool all_of_class(Budget& budget, const Text& text, CharacterClass wanted);
// There is a character with case, and all characters that have case have this one.
bool is_upper(Budget& budget, const Text& text);
bool is_lower(Budget& budget, const Text& text);

bool is_printable(char32_t value);

}  // namespace moebius::internal::jinja
