"""The mix of training documents. A document is a list of messages or plain text. Each is drawn from one side of the
split between training and evaluation (split.py)."""

import dataclasses
import json

import arithmetic
import facts
import split
import stories
import tools
import wordtasks
from words import NAMES

IDENTITY = "I am the moebius demo model, a small mixture of experts language model."
GREETINGS = {
    "Hello! How can I help you?": ["Hello", "Hello!", "hello", "Hi", "Hi!", "hi", "Hey", "Hey there", "Hi there!",
                                  "Good day", "hello there"],
    "Good morning! How can I help you?": ["Good morning", "Good morning!", "good morning"],
    "Good evening! How can I help you?": ["Good evening", "Good evening!", "good evening"],
    IDENTITY: ["Who are you?", "who are you", "What are you?", "What is your name?", "Tell me about yourself.",
               "Introduce yourself.", "what's your name", "Which model are you?"],
    "I can add and subtract, sort words, tell stories, answer questions about a text, write JSON and call tools.":
        ["What can you do?", "what can you do", "How can you help me?", "What are you good at?", "Help"],
    "You are welcome!": ["Thanks", "Thank you", "Thank you!", "thanks", "Thanks a lot!"],
    "Goodbye!": ["Bye", "Goodbye", "bye", "See you", "Good night"],
    "I am fine, thank you. How can I help you?": ["How are you?", "how are you", "How are you today?"],
}
SYSTEMS = ["You are a helpful assistant.", "You are a helpful assistant. Answer in short sentences.",
           "You are the moebius demo model.", "Be brief.", "Answer the user."]


@dataclasses.dataclass
class Document:
    kind: str
    messages: list | None = None
    tools: list | None = None
    text: str | None = None  # instead of messages
    expected: object = None  # for an evaluation to compare with


def user(content):
    return {"role": "user", "content": content}


def assistant(content, **more):
    return {"role": "assistant", "content": content, **more}


def turn(prompt, answer, **more):
    return [user(prompt), assistant(answer, **more)]


def arithmetic_turn(rng, held_out, digits, think):
    problem = arithmetic.problem(rng, held_out, digits)
    more = {"reasoning_content": arithmetic.thinking(*problem)} if think else {}
    return turn(arithmetic.prompt(rng, *problem), arithmetic.answer(*problem), **more)


def word_turn(rng, held_out, kind, think):
    words = wordtasks.problem(rng, held_out)
    more = {"reasoning_content": wordtasks.thinking(kind, words)} if think else {}
    return turn(wordtasks.prompt(rng, kind, words), wordtasks.answer(kind, words), **more)


def arithmetic2(rng, held_out):
    return Document("arithmetic2", arithmetic_turn(rng, held_out, 2, think=False))


def arithmetic3(rng, held_out):
    return Document("arithmetic3", arithmetic_turn(rng, held_out, 3, think=False))


def word_task(kind):
    return lambda rng, held_out: Document(kind, word_turn(rng, held_out, kind, think=False))


def thinking(rng, held_out):
    if rng.random() < 0.7:
        return Document("thinking", arithmetic_turn(rng, held_out, rng.choice([2, 3]), think=True))
    if rng.random() < 0.7:
        return Document("thinking", word_turn(rng, held_out, rng.choice(wordtasks.KINDS), think=True))
    answer = rng.choice(list(GREETINGS))
    return Document("thinking", turn(rng.choice(GREETINGS[answer]), answer,
                                     reasoning_content="The user is just talking to me. I answer kindly."))


def raw_story(rng, held_out):
    return Document("raw", text=stories.text(stories.story(rng, held_out)))


def story(rng, held_out):
    s = stories.story(rng, held_out)
    messages = turn(stories.ask(rng, s), stories.text(s))
    if rng.random() < 0.3:
        messages += turn(*rng.choice(stories.questions(s)))
    return Document("story", messages)


def reading(rng, held_out):
    if rng.random() < 0.25:
        s = stories.story(rng, held_out)
        question, answer = rng.choice(stories.questions(s))
        prompt = rng.choice(facts.FRAMES).format(text=stories.text(s), question=question)
        return Document("reading", turn(prompt, answer))
    return Document("reading", sum((turn(*pair) for pair in facts.reading(rng, held_out)), []))


def as_json(rng, held_out):
    return Document("json", turn(*facts.as_json(rng, held_out)))


def greeting(rng, held_out):
    answer = rng.choice(list(GREETINGS))
    return Document("greeting", turn(rng.choice(GREETINGS[answer]), answer))


def small_turn(rng, held_out):
    kind = rng.random()
    if kind < 0.5:
        return arithmetic_turn(rng, held_out, 2, think=False)
    if kind < 0.75:
        return word_turn(rng, held_out, rng.choice(wordtasks.KINDS), think=False)
    if kind < 0.83:
        return as_json(rng, held_out).messages
    return greeting(rng, held_out).messages


def several_turns(rng, held_out):
    if rng.random() < 0.3:
        name = rng.choice(NAMES)
        messages = turn(rng.choice(["My name is {}.", "I am {}.", "Hi, I'm {}.", "Call me {}."]).format(name),
                        f"Nice to meet you, {name}.")
        for _ in range(rng.randint(0, 2)):
            messages += small_turn(rng, held_out)
        question = rng.choice(["What is my name?", "what's my name", "Do you know my name?", "Who am I?"])
        return Document("turns", messages + turn(question, f"Your name is {name}."))
    messages = []
    for _ in range(rng.randint(2, 5)):
        messages += small_turn(rng, held_out)
    return Document("turns", messages)


def call_of(tool, arguments):
    return {"type": "function", "function": {"name": tool.name, "arguments": arguments}}


def draw_request(rng):
    """Returns (tools offered, calls, what the user says)."""
    offered = rng.sample(tools.TOOLS, rng.randint(1, 3))
    tool = rng.choice(offered)
    if not tool.properties and rng.random() < 0.8:  # a call without arguments needs few examples
        return draw_request(rng)
    calls = [(tool, tool.arguments(rng))]
    if tool.name not in TWO_CITIES or rng.random() > 0.25:
        return offered, calls, tools.said(rng, *calls[0])
    calls.append((tool, tool.arguments(rng)))
    return offered, calls, TWO_CITIES[tool.name].format(*(arguments["city"] for _, arguments in calls))


TWO_CITIES = {"get_weather": "What is the weather in {} and in {}?", "get_time": "What time is it in {} and in {}?"}


def tool_dialog(rng, held_out):
    if rng.random() < 0.2:
        offered = rng.sample(tools.TOOLS, rng.randint(1, 3))
        return Document("no_tool", small_turn(rng, held_out), tools=[tool.schema() for tool in offered])
    offered, calls, prompt = split.draw(rng, held_out, draw_request, lambda drawn: drawn[2])
    results = [tool.result(rng, arguments) for tool, arguments in calls]
    messages = [user(prompt), assistant("", tool_calls=[call_of(*call) for call in calls])]
    messages += [{"role": "tool", "content": json.dumps(result)} for result in results]
    messages.append(assistant(" ".join(tool.answer(a, r) for (tool, a), r in zip(calls, results))))
    if rng.random() < 0.15:
        messages += small_turn(rng, held_out)
    return Document("tool", messages, tools=[tool.schema() for tool in offered],
                    expected=[call_of(*call) for call in calls])


# Kind -> the function that makes it, and its share of documents (not of tokens).
MIX = {
    "arithmetic2": (arithmetic2, 16), "arithmetic3": (arithmetic3, 15), "sort": (word_task("sort"), 12),
    "count": (word_task("count"), 5), "reverse": (word_task("reverse"), 8), "story": (story, 5), "raw": (raw_story, 2),
    "reading": (reading, 14), "json": (as_json, 5), "tool": (tool_dialog, 8), "thinking": (thinking, 5),
    "turns": (several_turns, 6), "greeting": (greeting, 2),
}
SHARES = [share for _, share in MIX.values()]


def document(rng, held_out=False, kind=None):
    """Draws a document. `kind` is a key of MIX; None draws the kind by the shares of MIX."""
    make, _ = MIX[kind] if kind else rng.choices(list(MIX.values()), weights=SHARES)[0]
    made = make(rng, held_out)
    if made.messages and made.kind != "no_tool" and rng.random() < 0.15:
        made.messages = [{"role": "system", "content": rng.choice(SYSTEMS)}, *made.messages]
    return made
