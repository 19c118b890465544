"""Tasks with up to eight known words: sort them, count them, reverse their order."""

import split
from words import WORDS

KINDS = ("sort", "count", "reverse")

PROMPTS = {
    "sort": """
Sort these words: {w}|Sort these words alphabetically: {w}|sort: {w}|Sort {w}|Put these words in alphabetical order: {w}
Please sort the words {w}.|Alphabetize: {w}|sort these words: {w}|Can you sort these words? {w}
""",
    "count": """
How many words are here: {w}|Count these words: {w}|count: {w}|How many words are in this list? {w}
How many words: {w}|Please count the words {w}.|Count the words: {w}|how many words are there in: {w}
""",
    "reverse": """
Reverse these words: {w}|Reverse the order of these words: {w}|reverse: {w}|Write these words in reverse order: {w}
Reverse this list: {w}|Please reverse the words {w}.|Say these words backwards: {w}|Turn this list around: {w}
""",
}
PROMPTS = {kind: text.strip().replace("\n", "|").split("|") for kind, text in PROMPTS.items()}
NUMBERS = "zero one two three four five six seven eight".split()


def sample(rng):
    return rng.sample(WORDS, rng.randint(2, 8))


def problem(rng, held_out):
    return split.draw(rng, held_out, sample, " ".join)


def prompt(rng, kind, words):
    listed = rng.choice([", ", " ", ", "]).join(words)
    if rng.random() < 0.15:
        listed = ", ".join(words[:-1]) + " and " + words[-1]
    return rng.choice(PROMPTS[kind]).format(w=listed)


def answer(kind, words):
    if kind == "count":
        return f"There are {len(words)} words."
    ordered = sorted(words) if kind == "sort" else words[::-1]
    return ", ".join(ordered)


def thinking(kind, words):
    if kind == "count":
        return ", ".join(f"{word} {i}" for i, word in enumerate(words, 1)) + f". So there are {len(words)}."
    if kind == "sort":
        return f"There are {len(words)} words. I order them by their letters, from a to z."
    return f"There are {len(words)} words. The last is {words[-1]}, so I start with it."
