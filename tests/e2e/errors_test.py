"""Tests that each class of failure has its own exit code and names what is to blame."""

import json
import os
import unittest

from support import TestCase, edit_config, overwrite, read_safetensors, run

FIRST_NORM = "language_model.model.layers.1.input_layernorm.weight"
BF16_NAN = b"\xc0\x7f"


class ExitCodes(TestCase):
    def test_1_when_the_output_is_there_already(self):
        result = self.fail_with(1, "synth", "--preset", "tiny", self.tiny)
        self.assertIn(str(self.tiny), result.stderr)

    def test_1_when_the_output_cannot_be_written(self):
        self.fail_with(1, "logits", self.tiny, "--tokens", 1, "--out", self.folder / "nowhere" / "l.safetensors")
        self.fail_with(1, "logits", self.tiny, "--tokens", 1, "--out", self.folder)

    def test_65_for_a_truncated_file(self):
        copy = self.copy_of_tiny()
        (path,) = copy.glob("*.safetensors")
        os.truncate(path, path.stat().st_size // 2)
        for arguments in (("inspect", copy), ("generate", copy, "--tokens", 1), ("bench", copy)):
            with self.subTest(command=arguments[0]):
                self.assertIn(path.name, self.fail_with(65, *arguments).stderr)

    def test_65_for_a_config_that_cannot_be(self):
        copy = self.copy_of_tiny()
        edit_config(copy, num_hidden_layers=-4)
        self.assertIn("num_hidden_layers", self.fail_with(65, "inspect", copy).stderr)

    def test_65_for_a_family_that_is_not_supported(self):
        copy = self.copy_of_tiny()
        config = json.loads((copy / "config.json").read_text())
        config["model_type"] = "elephant"
        (copy / "config.json").write_text(json.dumps(config))
        self.assertIn("elephant", self.fail_with(65, "inspect", copy).stderr)

    def test_66_for_what_is_not_there(self):
        self.fail_with(66, "inspect", self.folder / "nothing")
        self.fail_with(66, "generate", self.folder, "--tokens", 1)
        self.fail_with(66, "logits", self.tiny, "--tokens", "@nothing.txt", "--out", self.folder / "l")

    def test_69_when_it_does_not_fit_and_says_what_would(self):
        copy = self.copy_of_tiny()
        # The config asks for terabytes of keys and values. The plan is made before tensors are compared with it.
        edit_config(copy, max_position_embeddings=1 << 24, num_attention_heads=1024, num_key_value_heads=1024)
        result = self.fail_with(69, "generate", copy, "--tokens", 1, "--ctx", 1 << 24)
        self.assertRegex(result.stderr, r"hint: .*context")


class NonFinite(TestCase):
    def broken_copy(self):
        copy = self.copy_of_tiny()
        overwrite(copy, FIRST_NORM, BF16_NAN)
        return copy

    def test_generation_stops_and_names_the_layer(self):
        self.assertIn("layer 1", self.fail_with(65, "generate", self.broken_copy(), "--tokens", 1).stderr)

    def test_logits_are_written_all_the_same(self):
        out = self.folder / "l.safetensors"
        result = self.fail_with(65, "logits", self.broken_copy(), "--tokens", "1,2", "--out", out)
        self.assertIn("layer 1", result.stderr)
        self.assertEqual(read_safetensors(out)["logits"][1], [2, 1024])

    def test_doctor_fails_and_its_scan_names_the_tensor(self):
        result = run("doctor", self.broken_copy(), "--scan", "--json")
        self.assertEqual(result.returncode, 1, result.stderr)
        failed = {c["check"]: c["detail"] for c in json.loads(result.stdout)["checks"] if c["verdict"] == "fail"}
        self.assertIn("layers.1.input_layernorm", failed["values"])
        self.assertIn("layer 1", failed["logits"])


if __name__ == "__main__":
    unittest.main()
