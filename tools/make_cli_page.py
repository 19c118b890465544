#!/usr/bin/env python3
"""Makes docs/cli.md from the help pages of the program, or says in what the page differs from them.

  python3 tools/make_cli_page.py build/release/moebius > docs/cli.md
  python3 tools/make_cli_page.py build/release/moebius --check [PAGE]     exit code 1 and a diff when PAGE is stale

Commands, usages, examples, arguments and options are read from `moebius --help` and `moebius COMMAND --help`, whose
layout is that of apps/cli/help.cpp; a line of another layout is an error here. The rules and the exit codes are written
in this file. Standard library only.
"""

import argparse
import difflib
import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "cli.md"
TEXT_COLUMN = 34  # where the texts of a help page begin, as kTextColumn in apps/cli/help.cpp
# A pair of brackets at the end of a text holds the default. One with a comma and a space holds the shape of a tensor.
DEFAULT = re.compile(r" ?\[((?:(?!, )[^\[\]])+)\]$")
OWN_GROUP = "Options"
ENVIRONMENT_NOTE = "Each option is also an environment variable"

EXIT_CODES = (
    (0, "Success. The reader of stdout may have closed the pipe early (`| head`)."),
    (1, "A read or a write failed, the output is there already, or `moebius doctor` found a check that fails."),
    (2, "The command line or an environment variable is wrong."),
    (65, "The data is bad: a checkpoint, tokenizer, template or conversation is damaged or not supported."),
    (66, "The input is missing or cannot be read."),
    (69, "Something is unavailable: memory, a device, an instruction set."),
    (70, "There is a bug in moebius."),
    (130, "The program was interrupted (Ctrl-C)."),
)

HEAD = """\
# The command line
<!-- Made by tools/make_cli_page.py from the help pages of the program; do not edit. tests/e2e/cli_page_test.py fails
     when this page is stale: python3 tools/make_cli_page.py build/release/moebius > docs/cli.md -->

This page is what `moebius --help` and `moebius COMMAND --help` say, in one place.
"""

RULES = """\
## Rules
- Data goes to stdout, everything else to stderr. `moebius COMMAND ... > FILE` writes data alone.
- `--json` prints the results as JSON on stdout.
- Every option of a command is also an environment variable: `--max-tokens` is `MOEBIUS_MAX_TOKENS`. The option wins. An
  option without a value is switched on by `1` and off by `0`. An empty variable counts as absent. A command reads the
  variables of its own options and no others. Some options of two commands share a name and so a variable: `--tokens` of
  `generate` takes token ids, `--tokens` of `bench` takes a number.
- Where a text, a conversation, tools or token ids are read from a file, a pipe is read too: `<(COMMAND)` in bash. The
  files of a checkpoint are never pipes.
- `chat` goes on after a line that fails. When its lines come from a pipe, its exit code is that of the first failure.
- A mistake is reported in two lines on stderr: `error:` says where and what, `hint:` says what to do.
- `-h` or `--help` prints the help page on stdout. `moebius` alone prints it on stderr, with exit code 2.
"""


@dataclass
class Option:
    flags: str  # "-v,--verbose"; the name of an argument, "DIR"
    values: str  # "off|auto|make"; empty for a flag without a value
    text: str
    default: str

    def variable(self):
        name = self.long_name()
        return "" if name == "--help" else "MOEBIUS_" + name[2:].upper().replace("-", "_")

    def long_name(self):
        return next(flag for flag in self.flags.split(",") if flag.startswith("--"))

    def key(self):
        return (self.flags, self.values, self.text, self.default)


@dataclass
class HelpPage:
    about: str
    examples: list = field(default_factory=list)
    usage: str = ""
    arguments: list = field(default_factory=list)  # of Option
    commands: list = field(default_factory=list)  # (name, what it does)
    groups: dict = field(default_factory=dict)  # title -> list of Option, in the order of the page


def split_columns(line):
    """(left, text) of a line that begins an option, an argument or a command."""
    left, text = line[:TEXT_COLUMN], line[TEXT_COLUMN:]
    if not left.startswith("  ") or not left.endswith(" ") or not left.strip() or not text.strip():
        raise ValueError(f"not a line of a help page as apps/cli/help.cpp makes it: {line!r}")
    return left.strip(), text.strip()


def entries(lines):
    """(left, text) pairs; lines whose left column is empty continue the text before."""
    joined = []
    for line in lines:
        if joined and not line[:TEXT_COLUMN].strip():
            joined[-1] += " " + line.strip()
        else:
            joined.append(line)
    return [split_columns(line) for line in joined]


def parse_option(left, text):
    flags, _, values = left.partition(" ")
    default = DEFAULT.search(text)
    if default is None:
        return Option(flags, values, text, "")
    return Option(flags, values, text[: default.start()], default.group(1))


def parse_help(text):
    """A HelpPage. Blank lines separate its blocks; the first line of a block says which one it is."""
    about, *blocks = text.strip("\n").split("\n\n")
    page = HelpPage(about)
    for block in blocks:
        title, *lines = block.split("\n")
        if title.startswith("Usage: "):
            page.usage = title.removeprefix("Usage: ")
            page.arguments = [parse_option(*entry) for entry in entries(lines)]
        elif title == "Examples:":
            page.examples = [line.strip() for line in lines]
        elif title == "Commands:":
            page.commands = entries(lines)
        elif title.endswith(":") and lines:
            page.groups[title[:-1]] = [parse_option(*entry) for entry in entries(lines)]
        elif not title.startswith(ENVIRONMENT_NOTE):
            raise ValueError(f"a block of a help page that nobody knows: {title!r}")
    return page


def shared_options(pages):
    """title -> options of that group which two or more commands have, word for word the same. Each has `flags`, ...

    The group "Options" is a command's own: its options are never shared.
    """
    users = {}
    for name, page in pages.items():
        for title, options in page.groups.items():
            for option in options if title != OWN_GROUP else ():
                users.setdefault(title, {}).setdefault(option.key(), []).append(name)
    shared = {}
    for title, by_key in users.items():
        found = {key: names for key, names in by_key.items() if len(names) > 1}
        if found:
            shared[title] = found
    return shared


def code(text):
    return f"`{text}`" if text else ""


def cell(text):
    """The text with its margins; an empty cell is one space."""
    text = text.replace("|", r"\|").replace("<", "&lt;")
    return f" {text} " if text else " "


def values_of(option):
    """Alternatives one by one, so that no cell of a table holds a bar."""
    return " ".join(code(value) for value in option.values.split("|") if value)


def table(head, rows):
    lines = ["|" + "|".join(map(cell, row)) + "|" for row in [head, *rows]]
    lines.insert(1, "|" + "---|" * len(head))
    return "\n".join(lines) + "\n"


def option_row(option):
    flags = " ".join(code(flag) for flag in option.flags.split(","))
    # Words of a sentence are no value that one could give.
    default = option.default if " " in option.default else code(option.default)
    return [flags, values_of(option), default, code(option.variable()), option.text]


OPTION_HEAD = ["option", "values", "default", "variable", "what it does"]


def anchor(title):
    return title.lower().replace(" ", "-")


def shared_title(group):
    return group if group.endswith("options") else f"{group} options"


def fenced(lines):
    return "```\n" + "\n".join(lines) + "\n```\n"


def command_section(name, page, shared):
    parts = [f"## {name}\n{page.about}.\n", fenced([page.usage])]
    if page.arguments:
        parts.append(table(["argument", "what it is"], [[code(a.flags), a.text] for a in page.arguments]))
    if page.examples:
        parts.append("Examples:\n" + fenced(page.examples))
    own, elsewhere = [], []
    for group, options in page.groups.items():
        common = [option for option in options if option.key() in shared.get(group, {})]
        own += [option for option in options if option not in common and option.long_name() != "--help"]
        if common:
            title = shared_title(group)
            names = ", ".join(code(option.long_name()) for option in common)
            elsewhere.append(f"[{title}](#{anchor(title)}): {names}.\n")
    if own:
        parts.append(table(OPTION_HEAD, [option_row(option) for option in own]))
    return "\n".join(parts + elsewhere)


def shared_section(group, by_key, commands):
    rows = []
    for key, names in by_key.items():
        flags, values, text, default = key
        rows.append(option_row(Option(flags, values, text, default)) + [", ".join(n for n in commands if n in names)])
    return f"## {shared_title(group)}\n" + table([*OPTION_HEAD, "commands"], rows)


def make_page(main, pages):
    """The text of docs/cli.md. main: the help page of the program; pages: command -> its help page."""
    shared = shared_options(pages)
    parts = [HEAD, "## Commands\n" + table(
        ["command", "what it does"], [[f"[`{name}`](#{name})", text] for name, text in main.commands])]
    parts.append("Examples:\n" + fenced(main.examples))
    flags = [o for options in main.groups.values() for o in options]
    parts.append(table(["option of the program", "what it does"],
                       [[" ".join(code(f) for f in o.flags.split(",")), o.text] for o in flags]))
    parts.append(RULES)
    parts += [command_section(name, pages[name], shared) for name, _ in main.commands]
    parts += [shared_section(group, by_key, list(pages)) for group, by_key in shared.items()]
    parts.append("## Exit codes\n" + table(["code", "meaning"], [[str(c), text] for c, text in EXIT_CODES]))
    return "\n".join(parts)


def help_of(program, *command):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MOEBIUS_")}
    out = subprocess.run([program, *command, "--help"], env=kept, check=True, stdout=subprocess.PIPE, text=True)
    return parse_help(out.stdout)


def page_of(program):
    main = help_of(program)
    return make_page(main, {name: help_of(program, name) for name, _ in main.commands})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--check", nargs="?", const=PAGE, type=Path, metavar="PAGE")
    arguments = parser.parse_args()
    made = page_of(arguments.program)
    if arguments.check is None:
        sys.stdout.write(made)
        return 0
    kept = arguments.check.read_text() if arguments.check.exists() else ""
    diff = difflib.unified_diff(
        kept.splitlines(keepends=True), made.splitlines(keepends=True), str(arguments.check), "the help pages")
    sys.stdout.writelines(diff)
    return 0 if kept == made else 1


if __name__ == "__main__":
    sys.exit(main())
