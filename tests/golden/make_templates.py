"""Makes tests/golden/templates/*.json: what transformers renders of small templates (template_cases.py), of integers of
more than 64 bits, and of whole chat templates (templates/*.jinja) with generated conversations
(template_conversations.py). The environment is the library's own, with a clock that stands still. Most outputs are kept
as hashes, a few as text for people to read.
"""

import copy
import datetime
import json
import logging
from pathlib import Path

import template_cases
import template_conversations
from transformers.utils import chat_template_utils

FOLDER = Path(__file__).resolve().parent / "templates"
READABLE = 2  # outputs per chat template that are kept as text


class StandingClock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.datetime(2026, 7, 4, 9, 5, 3)


def render(template, variables):
    """Returns the output. Returns None when jinja2 raises."""
    try:
        compiled = chat_template_utils._compile_jinja_template(template)
        return compiled.render(**copy.deepcopy(variables))
    except Exception:
        return None


def fnv(text):
    """Returns the 64-bit FNV-1a hash in 16 hexadecimal digits."""
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def short(output):
    if output is not None and " at 0x" in output:
        return "????"  # Python printed an address
    return "----" if output is None else fnv(output)[:4]


def small():
    products = []
    for parts in template_cases.PRODUCTS:
        results = "".join(short(render(template, template_cases.CONTEXTS[1])) for template in template_cases.product(parts))
        products.append({"parts": parts, "results": results})
    statements = [
        {"template": template, "results": [render(template, context) for context in template_cases.CONTEXTS]}
        for template in template_cases.STATEMENTS
    ]
    return {"contexts": template_cases.CONTEXTS, "statements": statements, "products": products}


def chats():
    requests = list(template_conversations.conversations())
    files = {}
    for path in sorted(FOLDER.glob("*.jinja")):
        template = path.read_text(encoding="utf-8")
        outputs = [render(template, request) for request in requests]
        rendered = [index for index, output in enumerate(outputs) if output is not None]
        chosen = rendered[:: max(1, len(rendered) // READABLE)][:READABLE]
        files[path.name] = {
            "hashes": "".join("-" * 12 if output is None else fnv(output)[:12] for output in outputs),
            "texts": {str(index): outputs[index] for index in chosen},
        }
    compact = [{**request, "tools": "TOOLS" if request["tools"] else None} for request in requests]
    return {"tools": template_conversations.TOOLS, "requests": compact, "templates": files}


def integers():
    forms = ["{{ " + form.strip().replace("X", name) + " }}"
             for form in template_cases.INTEGER_FORMS for name in template_cases.INTEGER_NAMES]
    templates = forms + template_cases.INTEGER_WHOLE
    results = [[template, render(template, template_cases.INTEGERS)] for template in templates]
    return {"context": template_cases.INTEGERS, "results": results}


def write(name, content):
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in content.items())
    (FOLDER / name).write_text("{\n" + lines + "\n}\n", encoding="utf-8")


def main():
    logging.disable(logging.WARNING)
    chat_template_utils.datetime = StandingClock
    write("small.json", small())
    write("integers.json", integers())
    write("chats.json", chats())


if __name__ == "__main__":
    main()
