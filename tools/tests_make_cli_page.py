"""make_cli_page.py: help pages as apps/cli/help.cpp prints them, and the page that is made of them."""

import re
import stat
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import make_cli_page

ROOT = Path(__file__).resolve().parent.parent
PROGRAM_HELP = """\
moebius runs models

Examples:
  moebius show OUT

Usage: moebius COMMAND [options]

Commands:
  show                            Show a model
  talk                            Talk with a model

Options:
  -h,--help                       This page
  --version                       Version and commit
"""
SHOW_HELP = """\
Show a model

Examples:
  moebius show OUT
  moebius show OUT --json > a.json    # a comment

Usage: moebius show DIR [FILE] [options]
  DIR                             Checkpoint: a directory, or the name of a model in a
                                  cache
  FILE                            A file [-]

Options:
  -h,--help                       This page
  --out FILE                      f32 `layer.N` [T, D]
  --s LIST                        Tokens of a step: 1 decodes, more verify a draft
                                  [1,16]

Common options:
  --isa portable|avx2             Instruction set [the best there is]
  -v,--verbose                    Say more on stderr

Each option is also an environment variable (--max-tokens: MOEBIUS_MAX_TOKENS); the option wins.
"""
TALK_HELP = SHOW_HELP.replace("[the best there is]", "[avx2]").replace("moebius show", "moebius talk")


def parsed(text):
    return make_cli_page.parse_help(text)


def option(page, group, name):
    return next(o for o in page.groups[group] if name in o.flags.split(","))


class Parser(unittest.TestCase):
    def test_a_page_has_its_blocks(self):
        page = parsed(SHOW_HELP)
        self.assertEqual(page.about, "Show a model")
        self.assertEqual(page.usage, "moebius show DIR [FILE] [options]")
        self.assertEqual(page.examples, ["moebius show OUT", "moebius show OUT --json > a.json    # a comment"])
        self.assertEqual([a.flags for a in page.arguments], ["DIR", "FILE"])
        self.assertEqual(list(page.groups), ["Options", "Common options"])
        self.assertEqual(parsed(PROGRAM_HELP).commands, [("show", "Show a model"), ("talk", "Talk with a model")])

    def test_a_wrapped_text_is_one_text(self):
        page = parsed(SHOW_HELP)
        self.assertEqual(page.arguments[0].text, "Checkpoint: a directory, or the name of a model in a cache")
        self.assertEqual(option(page, "Options", "--s").text, "Tokens of a step: 1 decodes, more verify a draft")

    def test_a_default_stands_in_brackets_at_the_end(self):
        page = parsed(SHOW_HELP)
        self.assertEqual(option(page, "Options", "--s").default, "1,16")
        self.assertEqual(option(page, "Common options", "--isa").default, "the best there is")
        self.assertEqual(page.arguments[1].default, "-")

    def test_a_shape_in_brackets_is_no_default(self):
        out = option(parsed(SHOW_HELP), "Options", "--out")
        self.assertEqual((out.text, out.default), ("f32 `layer.N` [T, D]", ""))

    def test_values_and_variables_follow_from_the_names(self):
        page = parsed(SHOW_HELP)
        isa, verbose = option(page, "Common options", "--isa"), option(page, "Common options", "-v")
        self.assertEqual((isa.values, isa.variable()), ("portable|avx2", "MOEBIUS_ISA"))
        self.assertEqual((verbose.values, verbose.variable()), ("", "MOEBIUS_VERBOSE"))
        self.assertEqual(option(page, "Options", "-h").variable(), "")
        self.assertEqual(make_cli_page.Option("-p,--a-b", "", "", "").variable(), "MOEBIUS_A_B")

    def test_a_layout_that_is_not_known_is_an_error(self):
        no_margin = "--no-margin".ljust(34) + "text"
        for line in ("  --a-name-that-is-too-long FOR_ITS_COLUMN text", "  --nothing", no_margin):
            with self.subTest(line=line), self.assertRaises(ValueError):
                make_cli_page.split_columns(line)
        with self.assertRaises(ValueError):
            parsed("About\n\nA block of prose\n")


class Page(unittest.TestCase):
    def setUp(self):
        pages = {"show": parsed(SHOW_HELP), "talk": parsed(TALK_HELP)}
        self.page = make_cli_page.make_page(parsed(PROGRAM_HELP), pages)
        self.sections = dict(re.findall(r"^## (.*)\n((?:(?!## ).*\n)*)", self.page, re.M))

    def test_every_command_has_a_section_with_usage_examples_and_options(self):
        row = "| `--s` | `LIST` | `1,16` | `MOEBIUS_S` | Tokens of a step: 1 decodes, more verify a draft |"
        for command in ("show", "talk"):
            section = self.sections[command]
            self.assertIn(f"```\nmoebius {command} DIR [FILE] [options]\n```", section)
            self.assertIn(f"moebius {command} OUT --json", section)
            self.assertIn(row, section)

    def test_options_of_several_commands_are_described_once(self):
        verbose = "| `-v` `--verbose` | | | `MOEBIUS_VERBOSE` | Say more on stderr | show, talk |"
        self.assertEqual(self.page.count("Say more on stderr"), 1)
        self.assertIn(verbose, self.sections["Common options"])
        self.assertIn("[Common options](#common-options): `--verbose`.", self.sections["show"])

    def test_an_option_that_differs_between_commands_stays_with_them(self):
        self.assertIn("| `--isa` | `portable` `avx2` | the best there is |", self.sections["show"])
        self.assertIn("| `--isa` | `portable` `avx2` | `avx2` |", self.sections["talk"])
        self.assertNotIn("--isa", self.sections["Common options"])

    def test_rows_of_a_table_have_the_cells_of_its_head(self):
        width = None
        for line in self.page.splitlines():
            cells = len(re.findall(r"(?<!\\)\|", line)) if line.startswith("|") else None
            if width is not None and cells is not None:
                self.assertEqual(cells, width, line)
            width = cells

    def test_exit_codes_are_those_of_the_library(self):
        source = (ROOT / "src" / "base" / "error.cpp").read_text()
        body = source[source.index("int exit_code(ErrorCode code)") :].split("\n}\n")[0]
        returned = {int(number) for number in re.findall(r"return (\d+);", body)}
        self.assertEqual({code for code, _ in make_cli_page.EXIT_CODES}, returned | {0})


class Check(unittest.TestCase):
    def run_tool(self, *arguments):
        return subprocess.run(
            [sys.executable, "-B", make_cli_page.__file__, *map(str, arguments)], capture_output=True, text=True)

    def test_a_stale_page_is_shown_as_a_diff(self):
        with tempfile.TemporaryDirectory() as folder:
            program, page = Path(folder) / "moebius", Path(folder) / "cli.md"
            for name, text in (("main", PROGRAM_HELP), ("show", SHOW_HELP), ("talk", TALK_HELP)):
                (Path(folder) / name).write_text(text)
            program.write_text(f'#!/bin/sh\n[ "$1" = --help ] && exec cat {folder}/main\nexec cat {folder}/$1\n')
            program.chmod(program.stat().st_mode | stat.S_IXUSR)
            page.write_text(self.run_tool(program).stdout)
            self.assertEqual(self.run_tool(program, "--check", page).returncode, 0)
            page.write_text(page.read_text().replace("Say more on stderr", "Say less"))
            stale = self.run_tool(program, "--check", page)
            self.assertEqual(stale.returncode, 1)
            row = "| `-v` `--verbose` | | | `MOEBIUS_VERBOSE` |"
            self.assertIn(f"-{row} Say less | show, talk |", stale.stdout)
            self.assertIn(f"+{row} Say more on stderr | show, talk |", stale.stdout)
            page.unlink()
            self.assertEqual(self.run_tool(program, "--check", page).returncode, 1)


if __name__ == "__main__":
    unittest.main()
