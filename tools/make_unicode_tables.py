#!/usr/bin/env python3
"""Makes src/tokenizer/unicode_tables.cpp: facts about Unicode that the `tokenizers` wheel has and Debian's libraries
lack.

    python3 tools/make_unicode_tables.py      needs: CPython 3.11 (its unicodedata is Unicode 14), tokenizers,
                                              clang-format-19

A text must get the same ids as from the wheel, so the wheel's tables decide, whatever their version. Its regex engine
knows the letters of Unicode 16. Its NFC knows no mark younger than Unicode 9. PCRE2 10.42 has Unicode 14, utf8proc 2.8
has Unicode 15.
"""

import subprocess
import textwrap
import unicodedata
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers

OUT = Path(__file__).resolve().parent.parent / "src" / "tokenizer" / "unicode_tables.cpp"
CODES = [code for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]
HEAD = """\
// Made by tools/make_unicode_tables.py from tokenizers {version}; do not edit.
#include "tokenizer/unicode_tables.h"

namespace moebius::internal {{
"""
LINE = 120
INDENT = " " * 6


def matched_by(pattern):
    """Returns every code point that the wheel's regex engine matches with the pattern."""
    rest = normalizers.Replace(Regex(pattern), "").normalize_str("".join(map(chr, CODES)))
    return set(CODES) - set(map(ord, rest))


def since_14(category):
    ours = {code for code in CODES if unicodedata.category(chr(code))[0] == category}
    theirs = matched_by(rf"\p{{{category}}}")
    assert ours <= theirs, f"a code point left {category}: additions alone do not describe it"
    return theirs - ours


def nfc_active():
    """Returns the code points that NFC may change. NFC changes nothing in a text without them. A code point is among
    them when it is not NFC by itself, when it is reordered, or when it composes with the code point before it."""
    nfc, nfd = normalizers.NFC().normalize_str, normalizers.NFD().normalize_str
    stays = lambda text: nfc(text) == text
    # U+0345 has the highest combining class: every other mark moves in front of it. U+0378 is not assigned.
    moves = {code for code in CODES if not stays("\u0378\u0345" + chr(code))} | {0x345}
    changes = {code for code in CODES if not stays(chr(code))}
    seconds = {ord(nfd(chr(code))[-1]) for code in CODES if nfd(chr(code)) != chr(code) and stays(chr(code))}
    return moves | changes | seconds


def words_beyond_14():
    """Returns the code points that make a single_word token part of a longer word, and are no letters, marks, decimal
    digits, letter numbers or connector punctuation of Unicode 14. The wheel asks another regex engine for them."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.add_tokens([AddedToken("a", single_word=True, normalized=False)])
    found = lambda code: tokenizer.encode("a" + chr(code)).ids != []
    theirs = {code for code in CODES if not found(code)}
    is_ours = lambda kind: kind[0] in "LM" or kind in ("Nd", "Nl", "Pc")
    ours = {code for code in CODES if is_ours(unicodedata.category(chr(code)))}
    assert ours <= theirs, "a code point left the words: additions alone do not describe them"
    return theirs - ours


def ranges(codes):
    out = []
    for code in sorted(codes):
        if out and out[-1][1] == code - 1:
            out[-1][1] = code
        else:
            out.append([code, code])
    return out


def table(name, codes):
    items = " ".join(f"{{0x{first:x}, 0x{last:x}}}," for first, last in ranges(codes))
    body = textwrap.fill(items, LINE, initial_indent=INDENT, subsequent_indent=INDENT)
    return f"\nstd::span<const CodeRange> {name}() {{\n  static constexpr CodeRange kRanges[] = {{\n{body}\n  }};\n  return kRanges;\n}}\n"


def main():
    assert unicodedata.unidata_version == "14.0.0", "needs CPython 3.11"
    import tokenizers

    text = HEAD.format(version=tokenizers.__version__)
    for name, category in (("letters_since_14", "L"), ("marks_since_14", "M"), ("numbers_since_14", "N")):
        text += table(name, since_14(category))
    text += table("words_beyond_14", words_beyond_14())
    text += table("white_space", matched_by(r"\s"))
    text += table("nfc_active", nfc_active())
    OUT.write_text(text + "\n}  // namespace moebius::internal\n")
    subprocess.run(["clang-format-19", "-i", OUT], check=True)


if __name__ == "__main__":
    main()
