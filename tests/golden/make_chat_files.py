#!/usr/bin/env python3
"""Makes tests/golden/templates/places.json: where a chat template can be, and which one `transformers` chooses.

    python3 tests/golden/make_chat_files.py        needs: transformers, jinja2

Each case has `files` (name -> text, or JSON) and what is chosen: `plain` without tools, `with_tools` with one. null: an
error. The tokenizer chooses. Where it has no template, the processor does, which is who reads the two legacy files.
"""

import json
import tempfile
from pathlib import Path

from transformers import PreTrainedTokenizerFast
from transformers.processing_utils import ProcessorMixin

OUT = Path(__file__).resolve().parent / "templates" / "places.json"
TOOLS = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
MORE = "additional_chat_templates/"
DEFAULT = {"name": "default", "template": "D"}
TOOL_USE = {"name": "tool_use", "template": "T"}
RAG = {"name": "rag", "template": "R"}
CONFIG, PROCESSOR, LEGACY = "tokenizer_config.json", "processor_config.json", "chat_template.json"

CASES = {
    "nothing": {},
    "a file": {"chat_template.jinja": "F"},
    "a file and a config": {"chat_template.jinja": "F", CONFIG: {"chat_template": "C"}},
    "a file and a list": {"chat_template.jinja": "F", CONFIG: {"chat_template": [DEFAULT, TOOL_USE]}},
    "a file and one for tools": {"chat_template.jinja": "F", MORE + "tool_use.jinja": "A"},
    "a file and one that nobody asks for": {"chat_template.jinja": "F", MORE + "rag.jinja": "A"},
    "two files with the name default": {"chat_template.jinja": "F", MORE + "default.jinja": "A"},
    "a folder without a file": {MORE + "default.jinja": "A", MORE + "tool_use.jinja": "T"},
    "a folder with a template for tools alone": {MORE + "tool_use.jinja": "A"},
    "a folder for tools beside a config": {MORE + "tool_use.jinja": "A", CONFIG: {"chat_template": "C"}},
    "a folder that nobody asks for beside a config": {MORE + "rag.jinja": "A", CONFIG: {"chat_template": "C"}},
    "a folder with other files": {MORE + "tool_use.txt": "A", CONFIG: {"chat_template": "C"}},
    "a name with a point": {MORE + "tool_use.v2.jinja": "A", "chat_template.jinja": "F"},
    "a config": {CONFIG: {"chat_template": "C"}},
    "an empty template": {CONFIG: {"chat_template": ""}},
    "a config without a template": {CONFIG: {"chat_template": None}},
    "a list": {CONFIG: {"chat_template": [TOOL_USE, DEFAULT]}},
    "a list without tools": {CONFIG: {"chat_template": [DEFAULT, RAG]}},
    "a list without a default": {CONFIG: {"chat_template": [RAG, TOOL_USE]}},
    "a list with a name twice": {CONFIG: {"chat_template": [DEFAULT, {"name": "default", "template": "2"}]}},
    "an object": {CONFIG: {"chat_template": {"default": "D", "tool_use": "T"}}},
    "a legacy file": {LEGACY: {"chat_template": "L"}},
    "a legacy file behind a config": {LEGACY: {"chat_template": "L"}, CONFIG: {"chat_template": "C"}},
    "a legacy file behind a file": {LEGACY: {"chat_template": "L"}, "chat_template.jinja": "F"},
    "a processor": {PROCESSOR: {"chat_template": "P"}},
    "a processor and a legacy file": {PROCESSOR: {"chat_template": "P"}, LEGACY: {"chat_template": "L"}},
    "a processor without a template": {PROCESSOR: {"processor_class": "X"}, LEGACY: {"chat_template": "L"}},
}


def tokenizer_json():
    model = {"type": "BPE", "vocab": {"a": 0}, "merges": []}
    return {"version": "1.0", "added_tokens": [], "pre_tokenizer": None, "model": model}


def write(directory, files):
    for name, content in {"tokenizer.json": tokenizer_json(), **files}.items():
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))


def chosen(directory, tools):
    tokenizer = PreTrainedTokenizerFast.from_pretrained(directory)
    if tokenizer.chat_template is None:
        return ProcessorMixin.get_processor_dict(directory)[0].get("chat_template")
    try:
        return tokenizer.get_chat_template(tools=tools)
    except ValueError:
        return None


def case(name, files):
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), files)
        return {"name": name, "files": files, "plain": chosen(folder, None), "with_tools": chosen(folder, TOOLS)}


def main():
    cases = [case(name, files) for name, files in CASES.items()]
    OUT.write_text(json.dumps(cases, indent=1) + "\n")


if __name__ == "__main__":
    main()
