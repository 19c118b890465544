"""Texts for the tokenizer goldens: the vocabularies are trained on some and tried on others. This file makes them all
from the names and code points that `unicodedata` knows and from a few fixed sentences. They are the same on every run.
"""

import json
import unicodedata

MASK = (1 << 64) - 1


class Random:
    """splitmix64: the C++ test draws the same numbers."""

    def __init__(self, seed):
        self.state = seed

    def below(self, limit):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return (z ^ (z >> 31)) % limit

    def pick(self, items):
        return items[self.below(len(items))]


SCRIPTS = {
    "greek": (0x3B1, 0x3C9), "cyrillic": (0x430, 0x44F), "hebrew": (0x5D0, 0x5EA), "arabic": (0x628, 0x64A),
    "devanagari": (0x905, 0x94D), "bengali": (0x985, 0x9B9), "tamil": (0xB85, 0xBCD), "thai": (0xE01, 0xE4B),
    "georgian": (0x10D0, 0x10F0), "hangul": (0xAC00, 0xAC80), "jamo": (0x1100, 0x11C2), "hiragana": (0x3041, 0x3093),
    "katakana": (0x30A1, 0x30F6), "cjk": (0x4E00, 0x4EFF), "ethiopic": (0x1200, 0x1248), "khmer": (0x1780, 0x17D2),
    "latin1": (0xC0, 0xFF), "emoji": (0x1F600, 0x1F64F), "math": (0x1D400, 0x1D450), "symbols": (0x2190, 0x21FF),
}  # fmt: skip

SENTENCES = [
    "The quick brown fox jumps over the lazy dog, and it's nothing they'd've expected.",
    "I'm sure we'll see what you've done; don't say that he'd rather not.",
    "for (int i = 0; i < count; ++i) {\n    total += values[i] * weights[i];\n}\n",
    "def main():\n    parser = argparse.ArgumentParser(description=__doc__)\n    return parser.parse_args()\n",
    '{"name": "get_weather", "arguments": {"location": "Paris, France", "unit": "celsius"}}\n',
    "SELECT id, name FROM users WHERE created_at > '2024-01-31' ORDER BY name DESC;\n",
    "<html>\n\t<body class=\"main\">\r\n\t\t<p>Hello &amp; welcome</p>\r\n\t</body>\n</html>\n",
    "# Title\n\n* one\n* two\n\n1. first\n2. second\n\n```python\nprint('hi')\n```\n",
    "$ curl -s https://example.com/v1/chat/completions?stream=true | jq '.choices[0]'\n",
    "Phone: +49 (0)30 1234567, price 1,234.56 EUR, 100%, 3.14159, 0x7fff, 1e-5, 2024-01-31T23:59:59Z\n",
]


def words_of(first, last, random, count):
    codes = [code for code in range(first, last + 1) if unicodedata.category(chr(code)) != "Cn"]
    return " ".join("".join(chr(random.pick(codes)) for _ in range(1 + random.below(7))) for _ in range(count))


def training_text():
    random = Random(1)
    names = [unicodedata.name(chr(code), "").lower() for code in range(0x20, 0x3000)]
    yield " ".join(name for name in names if name)
    yield " ".join(name.title() for name in names[:2000] if name)
    yield from SENTENCES * 20
    for first, last in SCRIPTS.values():
        yield words_of(first, last, random, 150)
    yield from ("\n" * n + " " * n + "\t" * (n % 5) for n in range(1, 40))
    yield from (str(random.below(10**9)) for _ in range(300))
    yield json.dumps([{"id": i, "tags": ["a", "b"], "value": i / 7} for i in range(100)], indent=2)


# Random strings are made of these fragments. They are everything that two patterns, two Unicode tables or two
# normalizers could see differently when it meets something else.
ATOMS = [
    "a", "b", "s", "t", "re", "ve", "ll", "d", "m", "S", "T", "RE", "Ve", "lL", "D", "M", "I", "The", "word", "é", "e\u0301",
    "'", "'s", "'T", "'ll", "'Re", "'\u017f", "\u017f", "\u212a", "\u2019s", "n't", "''", "\"",
    " ", "  ", "    ", "\t", "\n", "\r", "\r\n", "\n\n", "\v", "\f", "\x85", "\xa0", "\u1680", "\u180e", "\u2028", "\u3000",
    "\u200b", "\ufeff", "\x00", "\x01", "\x7f",
    "0", "7", "12", "2024", "\u0663", "\u0967", "\u00b2", "\u2167", "\u3007", "\U0001d7d8", "\u0bf0", "\U00010d40", "\U0001ccf0",
    ".", ",", "!", "?", "-", "_", "/", "\\", "{", "}", "(", ")", "<", ">", "|", "<|", "|>", "&", "=", "==", "...", "\u2026",
    "\u0301", "\u0327", "\u0345", "\u0334", "\u0338", "\u0316", "\u093c", "\u094d", "\u05b0", "\u05bc", "\u0651", "\u3099", "\u20e3",
    "\u0c3c", "\u1dfa", "\u08d4", "\u0897", "\U0001e08f", "\U00011f41", "\U0001d165", "\U000101fd",
    "A\u030a", "\u212b", "\u00c5", "o\u0302\u0323", "\u1ed9", "q\u0307\u0323", "\u0915\u093c", "\u0958", "\u0344", "\u0f73",
    "\u1100", "\u1161", "\u11a8", "\uac00", "\uac01", "\u1100\u1161\u11a8", "\u09c7\u09be", "\u09cb", "\u1025\u102e",
    "\u304b\u3099", "\u304c", "\uf900", "\U0002f800", "\U00011935\U00011930", "\U00011938", "\U00011099\U000110ba",
    "\u03b1\u0313\u0301", "\u1f00", "\u1fbe", "\u2126", "\u226e", "<\u0338", "=\u0338", ">\u0338",
    "\u4e00", "\u6f22\u5b57", "\u3042", "\u30ab", "\u0391", "\u0436", "\u05d0", "\u0627", "\u0e01", "\u0e33", "\u0e49",
    "\U00031350", "\U000323af", "\U0002ebf0", "\u1c89", "\ua7da", "\U000105c0", "\U00016100", "\U0001e5d0", "\U0001e4d0",
    "\U0001f600", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea", "\U0001f44d\U0001f3fd", "\u2764\ufe0f",
    "\u0378", "\ue000", "\ufdd0", "\uffff", "\U0001ffff", "\U0002fffd", "\U000e0001", "\U000e01ef", "\U0010ffff", "\ud7ff",
    "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<think>", "</think>", "<tool_call>", "<|im_", "<think", "|im_end|>",
    "<tts_text_bos>", "<tts_text_bos_single>", "<tts_text_bos", "caf\u00e9<x>", "cafe\u0301<x>", "<x>",
]  # fmt: skip


def random_string(random, atoms):
    return "".join(random.pick(atoms) for _ in range(1 + random.below(12)))


def adversarial():
    """Yields strings that broke tokenizers. They are short enough to be stored with their ids."""
    yield from ("", " ", "  ", "\n", "\r\n", "\x00", "a\x00b", "\u0301!I", "!\u0301I", "x\u0301!I", "\u180e", " \u180ea")
    yield from (f"it{quote}{end} a" for quote in ("'", "\u2019") for end in ("s", "S", "\u017f", "t", "T", "re", "RE", "rE",
                "ve", "vE", "m", "M", "ll", "LL", "l", "d", "D", "\u212a", "sx", "rex", "", " s"))  # fmt: skip
    yield from ("a" + space * n + end for space in (" ", "\n", "\t", "\r\n", "\xa0", "\u3000", " \n", "\n ")
                for n in (1, 2, 3, 5) for end in ("", "b", "1", "!"))  # fmt: skip
    yield from ("A" * n for n in (31, 32, 33, 64, 100))
    yield from ("!?" * n + "\r\n\n" for n in (1, 20))
    yield from ("12345678", "1\u0663\u0967", "x12y", "3.14", " 12", "\u00b9\u00b2", "\u2167\u3007")
    yield from (chr(plane * 0x10000 + offset) for plane in range(17) for offset in (0xFFFD, 0xFFFE, 0xFFFF))
    yield from ("\ud7a3", "\u1112\u1175\u11c2", "\u1100\u1161\u1161\u11a8", "\uac00\u11a7\u11a8", "\uac01\u11a8")
    yield from ("e" + "\u0301\u0316" * 20, "\u0316\u0301", "a\u0323\u0302", "a\u0302\u0323", "\u0344", "\u1e9b\u0323")
    yield from ("<|im_start|>user\nHi<|im_end|>\n", "<|im_start|", "<|im_start|><|im_start|>", "x<think>y</think>z",
                "<tool_call>\n{}\n</tool_call>", "<<think>>", " <think> ", "<think>\u0338", "\u0301<think>")  # fmt: skip
    yield from SENTENCES
    random = Random(2)
    for first, last in SCRIPTS.values():
        yield words_of(first, last, random, 3)


# Texts that are too long to store: (a unit, how often it is repeated).
REPEATED = [("A", 300000), ("a", 99999), (" ", 300000), ("\n", 300000), ("_", 100000), (". ", 100000), ("7", 100000),
            ("\U0001f600", 30000), ("\U0001f468\u200d", 20000), ("\u0301", 10000), ("\u0301\u0316", 10000), ("\u180e", 30000),
            ("\ud55c", 30000), ("\u1112\u1161\u11ab", 20000), ("\x00", 100000), ("<|im_end|>", 10000), ("<|im_", 10000),
            ("abcdefghijklmnopqrstuvwxyz", 10000), ("\r\n", 100000), (" \n", 100000), ("\u3000x", 30000), ("'s", 50000)]  # fmt: skip
