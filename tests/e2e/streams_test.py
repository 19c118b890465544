"""Tests the streams: data goes to stdout, the rest to stderr. Also tests closed pipes, full disks and Ctrl-C."""

import json
import os
import signal
import subprocess
import unittest

from support import TIMEOUT_S, TestCase, run, start
from talking import give_words


class Sequences(TestCase):
    def test_generate_prints_ids_alone_on_stdout(self):
        result = self.succeed("generate", self.tiny, "--tokens", "1,2,3", "--max-tokens", 4)
        for line in result.stdout.splitlines():
            self.assertTrue(line.isdigit(), line)
        self.assertIn("ready: ", result.stderr)
        self.assertRegex(result.stderr, r"tok/s, .* GB/s")

    def test_json_is_all_of_stdout(self):
        for arguments in (
            ("inspect", self.tiny),
            ("doctor", self.tiny, "--quick"),
            ("generate", self.tiny, "--tokens", "1", "--max-tokens", 2),
            ("logits", self.tiny, "--tokens", "1", "--out", self.folder / "l"),
            ("bench", self.tiny, "--reps", 1, "--context", 0, "--s", 1),
        ):
            with self.subTest(command=arguments[0]):
                self.assertIsInstance(json.loads(self.succeed(*arguments, "--json").stdout), dict)

    def test_there_is_no_colour_and_no_bar_outside_a_terminal(self):
        for result in (run("doctor", self.tiny, "--quick"), run("inspect", "nowhere")):
            self.assertNotIn("\x1b", result.stdout + result.stderr)
            self.assertNotIn("\r", result.stdout + result.stderr)

    def test_no_colour_is_obeyed_on_a_terminal(self):
        for variables, coloured in (
            ({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({}, False),
        ):  # fmt: skip
            with self.subTest(variables=variables):
                self.assertEqual(b"\x1b[" in self.errors_on_terminal(variables), coloured)

    def errors_on_terminal(self, variables):
        master, slave = os.openpty()
        environment = {"PATH": os.environ["PATH"], **variables}
        subprocess.run([os.environ["MOEBIUS_PROGRAM"], "benhc"], env=environment, stderr=slave, check=False)
        os.close(slave)
        text = os.read(master, 65536)
        os.close(master)
        return text

    def test_a_reader_that_went_away_is_a_quiet_success(self):
        for arguments in (("inspect", self.tiny), ("generate", self.tiny, "--tokens", 1), ("--help",)):
            with self.subTest(arguments=arguments):
                read_end, write_end = os.pipe()
                os.close(read_end)
                result = run(*arguments, stdout=write_end)
                os.close(write_end)
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertNotIn("error", result.stderr)

    def test_a_full_disk_under_stdout_is_an_error(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            result = run("inspect", self.tiny, stdout=full)
        self.assertEqual(result.returncode, 1)
        self.assertIn("error: stdout: ", result.stderr)


class Interrupt(TestCase):
    def read_until(self, word, process):
        said = b""
        for line in process.stderr:
            said += line
            if word in line:
                return
        self.fail(f"it ended without {word}: {said.decode()}")

    def test_ctrl_c_ends_a_bench_with_130(self):
        with start("bench", self.tiny, "--reps", 100000, stdout=subprocess.DEVNULL) as process:
            self.read_until(b"measuring", process)
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(TIMEOUT_S), 130)
            self.assertNotIn(b"error", process.stderr.read())

    def test_ctrl_c_ends_a_chat_in_a_pipe_with_130(self):
        talking = give_words(self.tiny, self.folder)
        with start("chat", talking, "--max-tokens", 4000, "--logit-bias", "97=100", stdin=subprocess.PIPE) as process:
            process.stdin.write(b"talk\n")
            process.stdin.flush()
            self.read_until(b"ready", process)
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(TIMEOUT_S), 130)

    def test_ctrl_c_during_synth_leaves_nothing_behind(self):
        out = self.folder / "big"
        with start("synth", "--preset", "qwen3.5-35b-a3b", "--layers", 8, "--bits", 8, out) as process:
            self.wait_until(lambda: any(self.folder.glob("big*/*")), process)
            process.send_signal(signal.SIGINT)
            self.assertEqual(process.wait(TIMEOUT_S), 130)
        self.assertEqual(list(self.folder.iterdir()), [])


if __name__ == "__main__":
    unittest.main()
