"""Tools with typed parameters. Each has sentences of a user, arguments, a result, and an answer made from it."""

import dataclasses
import json
from typing import Callable

from facts import join
from words import CITIES, DAYS, NAMES, ROOMS, SONGS


@dataclasses.dataclass(frozen=True)
class Tool:
    name: str
    description: str
    properties: dict
    required: list
    says: list  # sentences of the user, with the arguments in {}
    arguments: Callable  # rng -> dict
    result: Callable  # rng, arguments -> dict
    answer: Callable  # arguments, result -> str

    def schema(self):
        parameters = {"type": "object", "properties": self.properties, "required": self.required}
        return {"type": "function", "function": {"name": self.name, "description": self.description,
                                                 "parameters": parameters}}


def typed(kind, **more):
    return {"type": kind, **more}


def money(rng):
    """Draws arguments for convert_currency: a whole or half amount, and two different currencies."""
    amount = rng.choice([rng.randrange(1, 500), rng.randrange(1, 200) + 0.5])
    source, target = rng.sample(CURRENCIES, 2)
    return {"amount": amount, "from": source, "to": target}


WEATHER = ["sunny", "rainy", "cloudy", "windy", "snowy", "foggy"]
TASKS = ["tea", "pasta", "bread", "a walk", "the oven", "a nap", "homework", "the call"]
TEXTS = ["I am late", "see you soon", "happy birthday", "the train is here", "dinner is ready", "call me back",
         "the meeting is moved", "good luck"]
TITLES = ["lunch", "team meeting", "piano lesson", "dentist", "dinner", "chess club", "yoga", "book club"]
CURRENCIES = ["EUR", "USD", "GBP", "JPY", "CHF", "CAD"]
ITEMS = ["milk", "bread", "eggs", "rice", "apples", "cheese", "soap", "coffee", "tea", "paper"]


TOOLS = [
    Tool("get_weather", "Get the weather of a city", {"city": typed("string")}, ["city"],
         ["What is the weather in {city}?", "what's the weather in {city}", "How is the weather in {city} today?",
          "Is it raining in {city}?", "Weather in {city}, please."],
         lambda rng: {"city": rng.choice(CITIES)},
         lambda rng, a: {"temperature": rng.randrange(-15, 40), "sky": rng.choice(WEATHER)},
         lambda a, r: f"In {a['city']} it is {r['sky']} and {r['temperature']} degrees."),
    Tool("get_time", "Get the local time of a city", {"city": typed("string")}, ["city"],
         ["What time is it in {city}?", "what's the time in {city}", "Tell me the time in {city}.",
          "How late is it in {city}?"],
         lambda rng: {"city": rng.choice(CITIES)},
         lambda rng, a: {"time": f"{rng.randrange(24):02}:{rng.randrange(60):02}"},
         lambda a, r: f"It is {r['time']} in {a['city']}."),
    Tool("multiply", "Multiply two numbers", {"a": typed("integer"), "b": typed("integer")}, ["a", "b"],
         ["What is {a} times {b}?", "What is {a} * {b}?", "Multiply {a} by {b}.", "{a}*{b}", "what's {a} times {b}"],
         lambda rng: {"a": rng.randrange(2, 1000), "b": rng.randrange(2, 1000)},
         lambda rng, a: {"result": a["a"] * a["b"]},
         lambda a, r: f"{a['a']} times {a['b']} is {r['result']}."),
    Tool("set_timer", "Start a timer", {"minutes": typed("integer"), "label": typed("string")}, ["minutes", "label"],
         ["Set a timer for {minutes} minutes for {label}.", "Start a {minutes} minute timer for {label}.",
          "Please set a {minutes} minute timer, it is for {label}.", "timer {minutes} minutes {label}"],
         lambda rng: {"minutes": rng.randrange(2, 90), "label": rng.choice(TASKS)},
         lambda rng, a: {"ok": True},
         lambda a, r: f"The timer for {a['label']} is set to {a['minutes']} minutes."),
    Tool("send_message", "Send a message to a person", {"to": typed("string"), "text": typed("string")},
         ["to", "text"],
         ["Tell {to}: {text}", "Send {to} the message: {text}", "Write to {to}: {text}",
          "Please send \"{text}\" to {to}."],
         lambda rng: {"to": rng.choice(NAMES), "text": rng.choice(TEXTS)},
         lambda rng, a: {"sent": True},
         lambda a, r: f"I sent your message to {a['to']}."),
    Tool("set_light", "Switch the light of a room", {"room": typed("string"), "on": typed("boolean")}, ["room", "on"],
         ["Turn {state} the light in the {room}.", "Turn the {room} light {state}.", "Switch {state} the {room} light.",
          "Light {state} in the {room}, please."],
         lambda rng: {"room": rng.choice(ROOMS), "on": rng.random() < 0.5},
         lambda rng, a: {"ok": True},
         lambda a, r: f"The light in the {a['room']} is now {'on' if a['on'] else 'off'}."),
    Tool("convert_currency", "Convert an amount of money",
         {"amount": typed("number"), "from": typed("string", enum=CURRENCIES), "to": typed("string", enum=CURRENCIES)},
         ["amount", "from", "to"],
         ["How much is {amount} {from} in {to}?", "Convert {amount} {from} to {to}.", "{amount} {from} in {to}",
          "Please change {amount} {from} to {to}."],
         money,
         lambda rng, a: {"amount": round(rng.uniform(1, 900), 2)},
         lambda a, r: f"{a['amount']} {a['from']} is {r['amount']} {a['to']}."),
    Tool("play_song", "Play a song",
         {"song": typed("string"), "volume": typed("integer", minimum=0, maximum=100)}, ["song"],
         ["Play {song} at volume {volume}.", "Please play {song}, volume {volume}.", "play {song} volume {volume}"],
         lambda rng: {"song": rng.choice(SONGS), "volume": rng.randrange(5, 101)},
         lambda rng, a: {"playing": True},
         lambda a, r: f"Now playing {a['song']}."),
    Tool("create_event", "Add an event to the calendar",
         {"title": typed("string"), "day": typed("string"), "guests": typed("array", items=typed("string"))},
         ["title", "day", "guests"],
         ["Add {title} on {day} with {names}.", "Create an event: {title}, {day}, with {names}.",
          "Plan {title} with {names} on {day}.", "Put {title} with {names} on {day} in my calendar."],
         lambda rng: {"title": rng.choice(TITLES), "day": rng.choice(DAYS),
                      "guests": rng.sample(NAMES, rng.randint(1, 3))},
         lambda rng, a: {"ok": True},
         lambda a, r: f"I added {a['title']} on {a['day']}."),
    Tool("add_items", "Add items to the shopping list", {"items": typed("array", items=typed("string"))}, ["items"],
         ["Add {names} to my shopping list.", "Put {names} on the shopping list.", "I need to buy {names}.",
          "Shopping list: add {names}."],
         lambda rng: {"items": rng.sample(ITEMS, rng.randint(1, 4))},
         lambda rng, a: {"count": len(a["items"]) + rng.randrange(0, 9)},
         lambda a, r: f"Done. Your list now has {r['count']} items."),
    Tool("get_joke", "Tell a random joke", {}, [],
         ["Tell me a joke.", "tell me a joke", "Do you know a joke?", "A joke, please."],
         lambda rng: {},
         lambda rng, a: {"joke": rng.choice(["Why did the duck cross the road? To say quack on the other side.",
                                             "What do you call a sleeping bull? A bulldozer.",
                                             "What is brown and sticky? A stick.",
                                             "Why is six afraid of seven? Because seven eight nine."])},
         lambda a, r: r["joke"]),
]


def said(rng, tool, arguments):
    listed = arguments.get("guests") or arguments.get("items") or [""]
    return rng.choice(tool.says).format(**arguments, state="on" if arguments.get("on") else "off", names=join(listed))

