"""Paragraphs of facts about people, questions about these facts, and the same facts as JSON."""

import dataclasses
import json

import split
import wordtasks
from words import CITIES, COLORS, FOODS, JOBS, NAMES, OBJECTS, PETS


@dataclasses.dataclass(frozen=True)
class Person:
    name: str
    city: str
    color: str
    thing: str
    food: str
    job: str
    pet: str
    age: int

    def key(self):
        return " ".join(str(value) for value in dataclasses.astuple(self))


def sample(rng, name):
    return Person(name, rng.choice(CITIES), rng.choice(COLORS), rng.choice(OBJECTS), rng.choice(FOODS),
                  rng.choice(JOBS), rng.choice(PETS), rng.randrange(6, 99))


def people(rng, held_out, count):
    def group(r):
        return [sample(r, name) for name in r.sample(NAMES, count)]
    return split.draw(rng, held_out, group, lambda found: "; ".join(person.key() for person in found))


# What a paragraph can say about a person: topic -> (the sentence, the questions that it answers, the answer).
TOPICS = {
    "city": ("{name} lives in {city}.", ["Where does {name} live?", "In which city does {name} live?"],
             "{name} lives in {city}."),
    "thing": ("{name} has a {color} {thing}.", ["What does {name} have?", "What thing does {name} own?"],
              "{name} has a {color} {thing}."),
    "color": ("{name} has a {color} {thing}.", ["What color is the {thing} of {name}?"],
              "The {thing} of {name} is {color}."),
    "food": ("{name} likes {food}.", ["What does {name} like?", "What does {name} like to eat?"],
             "{name} likes {food}."),
    "job": ("{name} works as a {job}.", ["What is the job of {name}?", "What does {name} do for work?"],
            "{name} works as a {job}."),
    "pet": ("{name} has a pet {pet}.", ["What pet does {name} have?", "Which animal does {name} keep?"],
            "{name} has a pet {pet}."),
    "age": ("{name} is {age} years old.", ["How old is {name}?", "What is the age of {name}?"],
            "{name} is {age} years old."),
}
WHO = {
    "city": "Who lives in {city}?", "food": "Who likes {food}?", "job": "Who works as a {job}?",
    "pet": "Who has a pet {pet}?",
}
FRAMES = ["{text}\n\n{question}", "{text} {question}", "Read this: {text}\n\n{question}",
          "Text: {text}\nQuestion: {question}", "{text}\n{question}"]


def paragraph(rng, group, topics):
    """Returns a text with every topic of every person. The people come one after another or mixed."""
    told = [(person, topic) for person in group for topic in topics]
    if rng.random() < 0.5:
        rng.shuffle(told)
    return " ".join(TOPICS[topic][0].format(**dataclasses.asdict(person)) for person, topic in told)


def question(rng, group, topics):
    """Returns (question, answer) about one person of the group."""
    person, topic = rng.choice(group), rng.choice(topics)
    facts = dataclasses.asdict(person)
    if rng.random() < 0.12:
        missing = rng.choice([t for t in TOPICS if t not in topics and t not in ("color", "thing")])
        return rng.choice(TOPICS[missing][1]).format(**facts), "The text does not say."
    alone = sum(getattr(p, topic) == facts[topic] for p in group) == 1
    if topic in WHO and alone and rng.random() < 0.3:
        return WHO[topic].format(**facts), TOPICS[topic][2].format(**facts)
    if topic == "thing" and rng.random() < 0.4:
        topic = "color"
    return rng.choice(TOPICS[topic][1]).format(**facts), TOPICS[topic][2].format(**facts)


def reading(rng, held_out):
    """Returns [(prompt, answer)]. The first prompt is a text with a question. More questions about the text may
    follow."""
    group = people(rng, held_out, rng.randint(1, 3))
    topics = rng.sample([t for t in TOPICS if t != "color"], rng.randint(1, 3))
    text = paragraph(rng, group, topics)
    asked, answer = question(rng, group, topics)
    more = rng.randint(1, 2) if rng.random() < 0.2 else 0
    return [(rng.choice(FRAMES).format(text=text, question=asked), answer),
            *(question(rng, group, topics) for _ in range(more))]


JSON_ASKS = ["Give me JSON with {facts}.", "Write a JSON object with {facts}.", "Return JSON: {facts}",
             "Make a JSON object with {facts}.", "As JSON, please: {facts}"]
JSON_READS = ["{text}\n\nGive me the {keys} as JSON.", "{text} Write {keys} as JSON.",
              "Extract {keys} as JSON: {text}"]
JSON_LISTS = ["Make a JSON list of these words: {w}", "Write these words as a JSON list: {w}", "As a JSON array: {w}"]


def join(parts):
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def as_json(rng, held_out):
    """Returns (prompt, answer). The answer is one line of JSON."""
    kind = rng.random()
    if kind < 0.25:
        words = wordtasks.problem(rng, held_out)
        return rng.choice(JSON_LISTS).format(w=", ".join(words)), json.dumps(words)
    person = people(rng, held_out, 1)[0]
    facts = dataclasses.asdict(person)
    topics = rng.sample(["city", "food", "job", "pet", "age"], rng.randint(1, 3))
    keys = ["name", *topics]
    answer = json.dumps({key: facts[key] for key in keys})
    if kind < 0.6:
        return rng.choice(JSON_ASKS).format(facts=join([f"{key} {facts[key]}" for key in keys])), answer
    return rng.choice(JSON_READS).format(text=paragraph(rng, [person], topics), keys=join(keys)), answer
