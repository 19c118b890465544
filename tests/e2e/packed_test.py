"""Tests packed weights on disk. They are made on request, used by every command, and made again when the checkpoint
changed."""

import os
import signal
import unittest

from support import TestCase, start


class Packed(TestCase):
    def setUp(self):
        super().setUp()
        self.model = self.copy_of_tiny()
        self.file = self.model / "moebius.packed"

    def generate(self, *options):
        result = self.succeed("generate", self.model, "--tokens", "1,2,3", "--max-tokens", 4, *options)
        return result.stdout, result.stderr

    def test_a_second_start_uses_them_and_says_so(self):
        expected, _ = self.generate()
        self.assertFalse(self.file.exists())
        tokens, notes = self.generate("--packed", "make")
        self.assertEqual(tokens, expected)
        self.assertIn(f"wrote {self.file}", notes)
        for options in ([], ["--verify"], ["--isa", "portable"], ["--threads", "1"]):
            tokens, notes = self.generate(*options)
            self.assertEqual(tokens, expected)
            self.assertIn(f"packed weights: {self.file}", notes)

    def test_they_are_made_again_after_a_change(self):
        expected, _ = self.generate("--packed", "make")
        os.utime(next(self.model.glob("*.safetensors")))
        tokens, notes = self.generate()
        self.assertEqual(tokens, expected)
        self.assertIn("ignored", notes)
        self.assertIn("wrote", notes)
        self.assertNotIn("ignored", self.generate()[1])

    def test_doctor_compares_checksums_and_writes_nothing(self):
        self.generate("--packed", "make")
        report = self.succeed("doctor", self.model, "--quick").stdout
        self.assertRegex(report, r"PASS +packed weights")
        with self.file.open("r+b") as file:
            file.seek(-100, os.SEEK_END)
            file.write(b"damaged")
        before = self.file.stat().st_mtime_ns
        report = self.succeed("doctor", self.model, "--quick").stdout
        self.assertRegex(report, r"WARN +packed weights.*checksum")
        self.assertEqual(self.file.stat().st_mtime_ns, before)

    def test_a_process_that_dies_while_writing_harms_nobody(self):
        big = self.folder / "big"
        self.succeed("synth", "--preset", "qwen3.5-35b-a3b", "--layers", 1, "--bits", 3, big)
        process = start("generate", big, "--tokens", "1", "--max-tokens", 1, "--packed", "make")
        unfinished = big / "moebius.packed.tmp"
        self.wait_until(lambda: unfinished.exists() and unfinished.stat().st_size > 0, process)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        self.assertFalse((big / "moebius.packed").exists())
        self.assertIn("wrote", self.succeed("generate", big, "--tokens", "1", "--max-tokens", 1, "--packed", "make").stderr)
        self.assertFalse(unfinished.exists())


if __name__ == "__main__":
    unittest.main()
