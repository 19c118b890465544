"""Tests promise 4: while loading and running, peak memory is at most 1.05 times the weights, plus the caches, plus
200 MB.

The model has one layer of the 35B-A3B shape, so that a second copy of anything large would show."""

import json
import os
import subprocess
import unittest

from support import TestCase, start

CONTEXT = 4096
SLACK = 200_000_000


def peak_bytes(*arguments):
    """Runs the program. Returns the largest resident size it ever had, and its exit code."""
    process = start(*arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_maxrss * 1024, process.returncode


class Memory(TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.model = cls.shared / "one-layer"

    def limit(self):
        plan = json.loads(self.succeed("inspect", self.model, "--ctx", CONTEXT, "--json").stdout)["memory"]
        return 1.05 * plan["weight_bytes"] + plan["kv_bytes"] + plan["recurrent_bytes"] + SLACK

    def test_a_quantized_model_is_kept_once(self):
        self.succeed("synth", "--preset", "qwen3.5-35b-a3b", "--layers", 1, "--bits", 3, self.model)
        prompt = ",".join(str(t) for t in range(700))  # longer than a chunk of the prefill
        for experts in ("fused", "unfused"):
            peak, code = peak_bytes("generate", self.model, "--tokens", prompt, "--max-tokens", 2, "--ctx", CONTEXT,
                                    "--experts", experts)  # fmt: skip
            self.assertEqual(code, 0)
            self.assertLess(peak, self.limit(), experts)


if __name__ == "__main__":
    unittest.main()
