"""./do from outside, without building anything."""

import re
import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def do(*arguments):
    return subprocess.run([ROOT / "do", *arguments], capture_output=True, text=True)


class Do(unittest.TestCase):
    def test_help_names_every_command(self):
        text = (ROOT / "do").read_text()
        commands = set(re.findall(r"^cmd_(\w+)\(\)", text, re.M))
        self.assertEqual(set(re.findall(r"^  \./do (\w+)", do("help").stdout, re.M)), commands)

    def test_help_is_what_no_argument_shows(self):
        self.assertEqual(do().stdout, do("help").stdout)

    def test_an_unknown_command_is_a_usage_error(self):
        result = do("frobnicate")
        self.assertEqual(result.returncode, 2)
        self.assertIn("frobnicate", result.stderr)


if __name__ == "__main__":
    unittest.main()
