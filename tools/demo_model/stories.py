"""Short stories with one hero, one friend, one thing and one trouble. Names and pronouns stay right to the end."""

import dataclasses

import split
from words import COLORS, NAMES

KINDS = ["fox", "bear", "rabbit", "mouse", "owl", "cat", "dog", "duck", "turtle", "hedgehog", "girl", "boy"]
TRAITS = ["small", "brave", "shy", "clever", "kind", "cheerful", "curious", "quiet"]
PLACES = ["forest", "village", "valley", "garden", "harbor", "meadow", "hills", "old town"]
THINGS = ["kite", "lamp", "key", "boat", "bell", "drum", "hat", "coin", "map", "scarf"]
TROUBLES = {
    "wind": ("a strong wind blew the {thing} into a tall tree", "climbed the tree and brought the {thing} down"),
    "river": ("the {thing} fell into the river", "took a long branch and pulled the {thing} out of the water"),
    "dark": ("the {thing} was lost in the dark", "lit a candle and found the {thing} under a bush"),
    "snow": ("deep snow covered the {thing}", "dug in the snow until the {thing} came out"),
    "hole": ("the {thing} rolled into a deep hole", "tied a rope to a hook and lifted the {thing} out"),
}
ENDINGS = {
    "shared": "From that day on, {hero} and {friend} shared the {thing}.",
    "tea": "They went home together and drank warm tea.",
    "friends": "From that day on, {hero} and {friend} were best friends.",
    "song": "On the way home they sang a happy song.",
}
ASKS = [
    "Tell me a story about a {kind} named {hero}.", "Tell me a short story about a {kind} named {hero}.",
    "Write a short story about {hero} the {kind}.", "Can you tell me a story about a {kind} called {hero}?",
    "Write a story about a {kind} named {hero} and a {thing}.", "A story about {hero} the {kind} and a {thing}, please.",
    "Tell me a story about {hero} and {friend}.",
]


@dataclasses.dataclass(frozen=True)
class Story:
    hero: str
    kind: str
    friend: str
    friend_kind: str
    pronoun: str
    trait: str
    place: str
    color: str
    thing: str
    trouble: str
    ending: str

    def key(self):
        return " ".join(str(value) for value in dataclasses.astuple(self))


def pronoun_of(name):
    return "she" if name[-1] == "a" and name != "Luca" or name in ("Lily", "Ruby", "Zoe") else "he"


def kind_for(rng, name):
    """Returns an animal, or "girl" or "boy" as fits the name."""
    kind = rng.choice(KINDS)
    if kind in ("girl", "boy"):
        return "girl" if pronoun_of(name) == "she" else "boy"
    return kind


def sample(rng):
    hero, friend = rng.sample(NAMES, 2)
    return Story(hero, kind_for(rng, hero), friend, kind_for(rng, friend), pronoun_of(hero), rng.choice(TRAITS),
                 rng.choice(PLACES), rng.choice(COLORS), rng.choice(THINGS), rng.choice(list(TROUBLES)),
                 rng.choice(list(ENDINGS)))


def story(rng, held_out):
    return split.draw(rng, held_out, sample, Story.key)


def article(word):
    return "an" if word[0] in "aeiou" else "a"


def text(s):
    trouble, rescue = (part.format(thing=s.thing) for part in TROUBLES[s.trouble])
    he = s.pronoun
    his = "her" if he == "she" else "his"
    return (
        f"Once upon a time there was {article(s.trait)} {s.trait} {s.kind} named {s.hero}. {s.hero} lived in the "
        f"{s.place} and had {article(s.color)} {s.color} {s.thing}. {he.capitalize()} loved {his} {s.thing} very much. "
        f"One day {trouble}. {s.hero} was sad and did not know what to do. Then {s.friend} the {s.friend_kind} came "
        f"by. \"Do not cry, {s.hero},\" said {s.friend}. \"I can help you.\" {s.friend} {rescue}. "
        f"{s.hero} was happy again. \"Thank you, {s.friend}!\" said {s.hero}. "
        + ENDINGS[s.ending].format(hero=s.hero, friend=s.friend, thing=s.thing)
    )


def ask(rng, s):
    return rng.choice(ASKS).format(**dataclasses.asdict(s))


def questions(s):
    """Returns [(question, answer)] about the story's text."""
    return [
        (f"Who is {s.friend}?", f"{s.friend} is {article(s.friend_kind)} {s.friend_kind}."),
        (f"Where did {s.hero} live?", f"{s.hero} lived in the {s.place}."),
        (f"What did {s.hero} have?", f"{s.hero} had {article(s.color)} {s.color} {s.thing}."),
        (f"What color was the {s.thing}?", f"The {s.thing} was {s.color}."),
        (f"Who helped {s.hero}?", f"{s.friend} helped {s.hero}."),
    ]
