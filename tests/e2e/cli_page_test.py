"""docs/cli.md is what the program's help pages say today."""

import subprocess
import sys
import unittest
from pathlib import Path

from support import COMMANDS, PROGRAM, TIMEOUT_S

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "cli.md"
TOOL = ROOT / "tools" / "make_cli_page.py"


class CliPage(unittest.TestCase):
    def test_the_page_is_what_the_help_pages_say(self):
        result = subprocess.run(
            [sys.executable, "-B", TOOL, PROGRAM, "--check", PAGE], text=True, capture_output=True, timeout=TIMEOUT_S)
        remedy = "make it again: python3 tools/make_cli_page.py build/release/moebius > docs/cli.md"
        self.assertEqual(result.returncode, 0, f"{result.stdout}{result.stderr}\n{remedy}")

    def test_every_command_has_a_section(self):
        lines = PAGE.read_text().splitlines()
        for command in COMMANDS:
            self.assertIn(f"## {command}", lines)


if __name__ == "__main__":
    unittest.main()
