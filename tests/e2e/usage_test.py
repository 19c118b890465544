"""Tests mistakes on the command line, and the environment variables behind the flags."""

import re
import unittest

from support import TestCase, run


class Usage(TestCase):
    def test_a_mistyped_command_gets_a_suggestion(self):
        self.assertIn("did you mean bench?", self.fail_with(2, "benhc", self.tiny).stderr)

    def test_a_word_like_no_command_gets_none(self):
        self.assertNotIn("did you mean", self.fail_with(2, "frobnicate").stderr)

    def test_a_mistyped_option_gets_a_suggestion(self):
        self.assertIn("did you mean --threads?", self.fail_with(2, "bench", self.tiny, "--thread", 2).stderr)
        self.assertIn("did you mean --version?", self.fail_with(2, "--versoin").stderr)

    def test_a_mistyped_option_is_named_before_a_missing_argument(self):
        self.assertIn("--tokns", self.fail_with(2, "generate", "--tokns=1").stderr)

    def test_missing_and_surplus_arguments_are_named(self):
        self.assertIn("DIR is missing", self.fail_with(2, "inspect").stderr)
        self.assertIn("'surplus' is one argument too many", self.fail_with(2, "inspect", self.tiny, "surplus").stderr)

    def test_values_that_cannot_be_are_refused(self):
        for arguments in (
            ("--isa", "sse"),
            ("--threads", "two"),
            ("--threads", "-1"),
            ("--kv", "bf16"),
            ("--experts", "slow"),
            ("--backend", "abacus"),
            ("--activations", "f32"),
            ("--ctx", 0),
            ("--max-tokens", 0),
            ("--max-tokens", 5000),
            ("--speculate", "boldly"),
            ("--speculate", "mtp:16"),
        ):
            with self.subTest(arguments=arguments):
                self.fail_with(2, "generate", self.tiny, "--tokens", 1, *arguments)
        for memory in (-1, "much"):
            self.fail_with(2, "chat", self.tiny, "--memory", memory)

    def test_every_word_that_the_help_offers_is_accepted(self):
        offered = re.findall(r"^  (?:-\w,)?--([\w-]+) (\w+(?:\|\w+)+)", run("generate", "--help").stdout, re.M)
        self.assertLessEqual({"backend", "isa", "experts", "activations"}, {option for option, _ in offered})
        model = self.folder / "with_a_draft_head"
        self.succeed("synth", "--preset", "tiny", "--bits", 4, "--mtp", model)
        for option, words in offered:
            for word in words.split("|"):
                with self.subTest(option=option, word=word):
                    backend = "reference" if (option, word) == ("activations", "f32") else "cpu"
                    chosen = {"--backend": backend, f"--{option}": word}
                    arguments = [text for pair in chosen.items() for text in pair]
                    result = run("generate", model, "--tokens", 1, "--max-tokens", 1, *arguments)
                    allowed = (0, 69) if option == "isa" else (0,)  # 69: this machine lacks the instruction set
                    self.assertIn(result.returncode, allowed, result.stderr)

    def test_token_lists_that_are_none_are_refused(self):
        for tokens in ("", "1,x", "-1", "1.5", "99999999999", "1024"):
            with self.subTest(tokens=tokens):
                self.fail_with(2, "generate", self.tiny, f"--tokens={tokens}")

    def test_bench_refuses_a_path_it_does_not_know_or_was_told_twice(self):
        self.fail_with(2, "bench", self.tiny, "--experts", "fused,faster")
        self.fail_with(2, "bench", self.tiny, "--experts", "fused,fused")

    def test_an_error_has_three_parts(self):
        lines = self.fail_with(2, "generate", self.tiny, "--tokens", 1, "--activations", "f32").stderr.splitlines()
        self.assertEqual(len(lines), 2)
        self.assertRegex(lines[0], r"^error: --activations f32: \S.*")
        self.assertRegex(lines[1], r"^hint:  \S.*--backend reference")


class Environment(TestCase):
    def context_of(self, *arguments, **environment):
        plan = self.succeed("inspect", self.tiny, *arguments, env=environment).stdout
        return int(plan.split("--ctx ")[1].split()[0])

    def test_an_option_is_also_a_variable(self):
        self.assertEqual(self.context_of(MOEBIUS_CTX="99"), 99)

    def test_the_flag_wins(self):
        self.assertEqual(self.context_of("--ctx", 77, MOEBIUS_CTX="99"), 77)

    def test_an_empty_variable_is_none(self):
        self.assertEqual(self.context_of(MOEBIUS_CTX=""), self.context_of())

    def test_a_flag_without_value_takes_1(self):
        self.assertTrue(self.succeed("inspect", self.tiny, env={"MOEBIUS_JSON": "1"}).stdout.startswith("{"))

    def test_a_bad_variable_is_named(self):
        result = self.fail_with(2, "inspect", self.tiny, env={"MOEBIUS_ISA": "sse"})
        self.assertIn("MOEBIUS_ISA in the environment", result.stderr)

    def test_a_variable_for_another_command_is_not_read(self):
        self.succeed("inspect", self.tiny, env={"MOEBIUS_REPS": "none", "MOEBIUS_PRESET": "unknown"})


if __name__ == "__main__":
    unittest.main()
