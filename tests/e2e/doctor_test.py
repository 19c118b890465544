"""Tests `moebius doctor`: a good checkpoint passes every check, and every damage has a line of its own that fails."""

import json
import unittest

from support import TestCase, overwrite, read_safetensors, run
from talking import give_words, tokenizer

VOCABULARY = 1024  # rows of the tiny checkpoint's embedding
BF16_ONE = b"\x80\x3f"


class Doctor(TestCase):
    def test_a_good_checkpoint_passes_every_comparison(self):
        result = self.succeed("doctor", self.tiny, "--scan", "--json")
        report = json.loads(result.stdout)
        passed = [c["check"] for c in report["checks"] if c["verdict"] == "pass"]
        for check in ("files", "config", "quantization", "values", "load", "logits", "chunks", "expert paths",
                      "threads equal", "reference"):  # fmt: skip
            self.assertIn(check, passed)
        self.assertEqual(report["summary"]["fail"], 0)
        self.assertEqual(sum(report["summary"].values()), len(report["checks"]))

    def failures(self, model, *arguments):
        """Returns the checks that fail, with their details. Each of them must say what to do."""
        report = json.loads(run("doctor", model, "--json", "--quick", *arguments).stdout)
        failed = [check for check in report["checks"] if check["verdict"] == "fail"]
        for check in failed:
            self.assertTrue(check["hint"], check)
        return {check["check"]: check["detail"] for check in failed}

    def test_a_good_checkpoint_has_words_too(self):
        model = give_words(self.tiny, self.folder, VOCABULARY)
        report = json.loads(self.succeed("doctor", model, "--quick", "--json").stdout)
        verdicts = {c["check"]: c["verdict"] for c in report["checks"]}
        for check in ("values", "zeros", "tokenizer", "vocabulary", "chat template", "generation config"):
            self.assertEqual(verdicts[check], "pass", check)

    def test_a_checkpoint_without_words_is_warned_of(self):
        report = json.loads(self.succeed("doctor", self.tiny, "--quick", "--json").stdout)
        warned = {c["check"] for c in report["checks"] if c["verdict"] == "warn"}
        self.assertLessEqual({"tokenizer", "chat template"}, warned)

    def test_every_broken_file_has_its_own_line(self):
        model = give_words(self.tiny, self.folder, VOCABULARY)
        for name, content, check in (
            ("tokenizer.json", '{"model":', "tokenizer"),
            ("tokenizer.json", "{}", "tokenizer"),
            ("chat_template.jinja", "{% if %}", "chat template"),
            ("chat_template.jinja", "{{ messages.nothing() }}", "chat template"),
            ("chat_template.jinja", "never mind", "chat template"),
            ("generation_config.json", "{", "generation config"),
            ("generation_config.json", '{"temperature": -3}', "generation config"),
            ("generation_config.json", '{"eos_token_id": 5000}', "generation config"),
        ):
            with self.subTest(name=name, content=content):
                path = model / name
                before = path.read_text() if path.exists() else "{}"
                path.write_text(content)
                self.assertEqual(list(self.failures(model)), [check])
                path.write_text(before)

    def test_the_tokenizer_of_another_model_is_found(self):
        model = give_words(self.tiny, self.folder)
        for size, eos, wrong in (
            (VOCABULARY + 1, 257, True), (VOCABULARY // 2, 257, True), (VOCABULARY - 8, VOCABULARY - 1, True),
            (VOCABULARY - 8, 257, False),
        ):  # fmt: skip
            with self.subTest(size=size, eos=eos):
                (model / "tokenizer.json").write_text(json.dumps(tokenizer(size)))
                (model / "generation_config.json").write_text(json.dumps({"eos_token_id": eos}))
                self.assertEqual(list(self.failures(model)), ["vocabulary"] if wrong else [])

    def plain_copy(self):
        plain = self.folder / "plain"
        self.succeed("synth", "--preset", "tiny", "--bits", 16, plain)
        return plain

    def test_a_download_that_did_not_end_is_mostly_zeros(self):
        copy = self.copy_of_tiny()
        (path,) = copy.glob("*.safetensors")
        data = path.read_bytes()
        path.write_bytes(data[: len(data) * 2 // 5] + bytes(len(data) - len(data) * 2 // 5))
        for arguments in ((), ("--scan",)):
            with self.subTest(arguments=arguments):
                self.assertRegex(self.failures(copy, *arguments)["zeros"], rf"\d+ of \d+ matrices.*{path.name}: ")

    def test_a_few_zeros_are_no_failure(self):
        plain = self.plain_copy()
        (path,) = plain.glob("*.safetensors")
        for name, (_, shape, data) in read_safetensors(path).items():
            if len(shape) > 1:
                overwrite(plain, name, bytes(len(data) * 2 // 5))
        self.assertNotIn("zeros", self.failures(plain))

    def test_constant_logits_are_a_failure(self):
        copy = self.copy_of_tiny()
        (path,) = copy.glob("*.safetensors")
        for name, (_, _, data) in read_safetensors(path).items():
            if "lm_head" in name:
                overwrite(copy, name, bytes(len(data)))
        failed = self.failures(copy)
        self.assertEqual(list(failed), ["zeros", "logits"])
        self.assertIn("all 1024 logits of a token are 0", failed["logits"])

    def test_logits_that_ignore_the_tokens_are_a_failure(self):
        plain = self.plain_copy()
        (path,) = plain.glob("*.safetensors")
        for name, (_, _, data) in read_safetensors(path).items():
            if "embed_tokens" in name:
                overwrite(plain, name, BF16_ONE * (len(data) // 2))
            elif any(last in name for last in ("o_proj", "out_proj", "down_proj")):
                overwrite(plain, name, bytes(len(data)))
        self.assertIn("40 different tokens have the same logits", self.failures(plain)["logits"])

    def test_lines_begin_with_the_verdict(self):
        lines = self.succeed("doctor").stdout.splitlines()
        self.assertRegex(lines[0], r"^PASS  cpu +\S")
        self.assertRegex(lines[-1], r"^\d+ passed, \d+ warned, 0 failed$")


if __name__ == "__main__":
    unittest.main()
