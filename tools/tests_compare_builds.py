"""Tests compare_builds.py: ratios are taken within a round, the order alternates, and the confidence interval tells
noise from a change."""

import json
import stat
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import compare_builds

KEY = ("decode", 1, "fused")


class Compare(unittest.TestCase):
    def test_ratios_are_taken_within_a_round(self):
        old = [{KEY: 10.0}, {KEY: 100.0}, {KEY: 20.0}]  # a machine that becomes slower and recovers
        new = [{KEY: 8.0}, {KEY: 80.0}, {KEY: 16.0}]
        (row,) = compare_builds.compare(old, new)
        self.assertAlmostEqual(row["ratio"], 0.8)
        self.assertAlmostEqual(row["ratio_low"], 0.8)
        self.assertAlmostEqual(row["ratio_high"], 0.8)

    def test_noise_alone_gives_an_interval_around_one(self):
        noise = [1.1, 0.9, 1.05, 0.95, 1.0, 1.08, 0.93]
        (row,) = compare_builds.compare([{KEY: 10.0}] * 7, [{KEY: 10.0 * n} for n in noise])
        self.assertLess(row["ratio_low"], 1)
        self.assertGreater(row["ratio_high"], 1)

    def test_rows_that_only_one_build_has_are_left_out(self):
        self.assertEqual(compare_builds.compare([{KEY: 1.0}], [{("prefill", 512, "fused"): 1.0}]), [])

    def test_two_programs_take_turns(self):
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "log"
            programs = []
            for name, ms in (("old", 10), ("new", 5)):
                report = {"rows": [{"test": "decode", "s": 1, "experts": "fused", "ms_median": ms}]}
                program = Path(folder) / name
                program.write_text(f"#!/bin/sh\necho {name} $* >> {log}\necho '{json.dumps(report)}'\n")
                program.chmod(program.stat().st_mode | stat.S_IXUSR)
                programs.append(program)
            tool = Path(compare_builds.__file__)
            out = subprocess.run([sys.executable, tool, *programs, "MODEL", "--rounds", "2", "--json", "--s", "1"],
                                 capture_output=True, text=True, check=True)
            self.assertEqual(json.loads(out.stdout)[0]["ratio"], 0.5)
            order = [line.split()[0] for line in log.read_text().splitlines()]
            self.assertEqual(order, ["old", "new", "new", "old"])
            self.assertIn("bench MODEL --json --s 1", log.read_text())


if __name__ == "__main__":
    unittest.main()
