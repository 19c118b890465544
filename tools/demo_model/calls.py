"""Parses tool calls in the XML form: text to [(name, arguments)]. The tool's schema gives the arguments' types."""

import json
import re

CALL = re.compile(r"<tool_call>\n<function=([^>\n]+)>\n(.*?)</function>\n</tool_call>", re.S)
PARAMETER = re.compile(r"<parameter=([^>\n]+)>\n(.*?)\n</parameter>\n", re.S)
KINDS = {"integer": int, "number": (int, float), "boolean": bool, "array": list, "string": str}


def typed(value, schema):
    """Returns the value that the text spells. Raises ValueError if it is not a value of the schema's type."""
    kind = schema["type"]
    parsed = value if kind == "string" else json.loads(value)
    number = isinstance(parsed, bool) and kind != "boolean"
    if number or not isinstance(parsed, KINDS[kind]) or parsed not in schema.get("enum", [parsed]):
        raise ValueError(value)
    return parsed


def parsed_arguments(body, function):
    properties = function["parameters"]["properties"]
    if PARAMETER.sub("", body):
        raise ValueError(body)
    found = PARAMETER.findall(body)
    arguments = {name: typed(value, properties[name]) for name, value in found}
    if len(found) != len(arguments) or set(function["parameters"]["required"]) - set(arguments):
        raise ValueError(body)
    return arguments


def parse(text, tools):
    """Returns [(name, arguments)]. Returns None if anything is not well formed: text outside of calls, no call at all,
    an unknown name, a missing or mistyped parameter."""
    functions = {tool["function"]["name"]: tool["function"] for tool in tools}
    if CALL.sub("", text).strip():
        return None
    try:
        found = [(name, parsed_arguments(body, functions[name])) for name, body in CALL.findall(text)]
    except (KeyError, ValueError):
        return None
    return found or None
