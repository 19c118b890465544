"""Tests that help and version are complete, short and quick."""

import os
import unittest

from support import COMMANDS, PROGRAM, clean_environment, run

SCREEN_LINES = 50
SCREEN_COLUMNS = 120


class Help(unittest.TestCase):
    def pages(self):
        for command in COMMANDS:
            with self.subTest(command=command):
                result = run(command, "--help")
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertEqual(result.stderr, "")
                yield command, result.stdout

    def test_every_command_shows_examples_of_itself_before_anything_else(self):
        for command, page in self.pages():
            examples = page.split("Examples:\n")[1].split("\n\n")[0].splitlines()
            self.assertLess(page.index("Examples:"), page.index("Usage:"))
            for example in examples:
                self.assertTrue(example.startswith(f"  moebius {command}"), example)

    def test_every_option_has_a_text(self):
        for _, page in self.pages():
            options = [line for line in page.splitlines() if line.startswith("  -")]
            self.assertGreater(len(options), 2)
            for line in options:
                self.assertGreater(len(line.split("  ", 2)[-1].strip()), 8, line)

    def test_every_page_fits_on_a_screen(self):
        for _, page in self.pages():
            lines = page.splitlines()
            self.assertLessEqual(len(lines), SCREEN_LINES)
            self.assertLessEqual(max(map(len, lines)), SCREEN_COLUMNS)

    def test_the_program_lists_every_command(self):
        page = run("--help").stdout
        for command in COMMANDS:
            self.assertRegex(page, rf"(?m)^  {command} +\S")

    def test_nothing_at_all_is_a_usage_error_that_shows_the_help(self):
        result = run()
        self.assertEqual((result.returncode, result.stdout), (2, ""))
        self.assertIn("Commands:", result.stderr)

    def test_version_tells_all_that_a_report_of_a_bug_needs(self):
        result = run("--version")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertRegex(
            result.stdout,
            r"^moebius \d+\.\d+\.\d+\n"
            r"commit \S+, \S+ .+\n"
            r"numerics \d+: .+\n"
            r"instruction sets portable .*\(this machine: portable.*\)\n"
            r"libraries fmt \S+, nlohmann_json \S+, pcre2 \S+, utf8proc \S+, xxhash \S+, CLI11 \S+\n$")

    def test_help_takes_less_than_20_ms_of_cpu(self):
        def cpu_s():
            pid = os.posix_spawn(
                PROGRAM, [PROGRAM, "bench", "--help"], clean_environment(),
                file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)])
            _, status, usage = os.wait4(pid, 0)
            self.assertEqual(status, 0)
            return usage.ru_utime + usage.ru_stime

        self.assertLess(min(cpu_s() for _ in range(10)), 0.020)


if __name__ == "__main__":
    unittest.main()
