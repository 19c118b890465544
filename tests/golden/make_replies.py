"""Makes tests/golden/replies/well_formed.json: calls as chat templates write them, and what mlx-lm's two parsers read.
The other files of that folder are written by hand. The tests double the closing tags of these calls and leave them out.
mlx-lm is not imported, because it needs mlx, which the parsers do not.
"""

import importlib.util
import itertools
import json
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "replies"

NAMES = {"write_file": ("path", "content"), "typed": ("count", "items")}
VALUES = {
    "path": ["a.txt", "", "a <b> </b>"],
    "content": ["one\n\ntwo\n", "  if (a < b) {\n\t\"x\"\n  }", "Grüße 世界"],
    "count": ["5", "-123456789"],
    "items": ["[1, {\"a\": null}]", "[]"],
}


def parser(package, name):
    spec = importlib.util.spec_from_file_location(name, package / "tool_parsers" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def xml_text(name, arguments):
    values = "".join(f"<parameter={key}>\n{value}\n</parameter>\n" for key, value in arguments)
    return f"<tool_call>\n<function={name}>\n{values}</function>\n</tool_call>"


def json_text(name, arguments):
    return f"<tool_call>\n{json.dumps({'name': name, 'arguments': arguments}, ensure_ascii=False)}\n</tool_call>"


def inside(module, text):
    return text.removeprefix(module.tool_call_start).removesuffix(module.tool_call_end)


def with_wrapper(tool):
    return tool if "function" in tool else {"type": "function", "function": tool}


def main():
    package = Path(importlib.util.find_spec("mlx_lm").submodule_search_locations[0])
    xml, hermes = parser(package, "qwen3_coder"), parser(package, "json_tools")
    tools = [with_wrapper(tool) for tool in json.loads((FOLDER / "tools.json").read_text(encoding="utf-8"))]
    cases = []
    for name, keys in NAMES.items():
        for count in range(len(keys) + 1):
            for values in itertools.product(*(VALUES[key] for key in keys[:count])):
                text = xml_text(name, list(zip(keys, values)))
                call = xml.parse_tool_call(inside(xml, text), tools)
                cases.append({"text": text, "name": call["name"], "arguments": call["arguments"]})
                text = json_text(name, call["arguments"])
                call = hermes.parse_tool_call(inside(hermes, text), tools)
                cases.append({"text": text, "name": call["name"], "arguments": call["arguments"]})
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    (FOLDER / "well_formed.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
