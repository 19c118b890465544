"""Tests plot_scaling.py: the line, the medians of the rounds, and a whole run on tiny models."""

import contextlib
import io
import os
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).parent))
import plot_scaling

PROGRAM = os.environ["MOEBIUS_PROGRAM"]


class Numbers(unittest.TestCase):
    def test_the_line_through_points_that_lie_on_one(self):
        slope, at_zero, r2 = plot_scaling.line_through([(1, 5), (2, 7), (4, 11)])
        self.assertAlmostEqual(slope, 2)
        self.assertAlmostEqual(at_zero, 3)
        self.assertAlmostEqual(r2, 1)

    def test_r2_knows_points_that_do_not(self):
        self.assertLess(plot_scaling.line_through([(0, 0), (1, 5), (2, 0)])[2], 0.1)

    def test_a_point_is_the_median_of_its_rounds(self):
        rounds = [[(1, 10.0), (2, 20.0)], [(1, 90.0), (2, 19.0)], [(1, 11.0), (2, 21.0)]]
        self.assertEqual(plot_scaling.median_points(rounds), [(1, 11.0), (2, 20.0)])


class OneBandwidth(unittest.TestCase):
    def bench(self, *bandwidths):
        """Makes a Bench whose runs report these bandwidths, one after the other. The first TRIES runs set the usual
        bandwidth. Returns the bandwidth of the report that the Bench then chooses."""
        reports = iter({"machine": {"read_gb_s": gb_s}} for gb_s in bandwidths)
        with mock.patch.object(plot_scaling, "TRIES", 3):
            bench = plot_scaling.Bench("program", "model", lambda *_: next(reports))
            return bench("model")["machine"]["read_gb_s"]

    def test_a_run_of_another_bandwidth_is_repeated(self):
        self.assertEqual(self.bench(30, 55, 31, 54, 20, 32), 32)

    def test_a_run_of_the_usual_one_is_not(self):
        self.assertEqual(self.bench(30, 55, 31, 29), 29)

    def test_the_nearest_is_taken_when_none_is_near(self):
        self.assertEqual(self.bench(30, 30, 30, 55, 40, 50), 40)


class WholeRun(unittest.TestCase):
    def test_it_draws_three_charts(self):
        with tempfile.TemporaryDirectory() as folder:
            models = []
            for layers in (4, 8):
                models.append(Path(folder) / str(layers))
                command = [PROGRAM, "synth", "--preset", "tiny", "--layers", str(layers), "--bits", "4", models[-1]]
                subprocess.run(command, check=True, capture_output=True)
            chart = Path(folder) / "scaling.svg"
            arguments = ["plot_scaling.py", PROGRAM, *map(str, models), "--svg", str(chart)]
            small = {"CONTEXTS": (16, 700), "BATCHES": (1, 2), "REPETITIONS": 2, "ROUNDS": 1, "TRIES": 1}
            with mock.patch.multiple(plot_scaling, **small), mock.patch.object(sys, "argv", arguments):
                with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()):
                    plot_scaling.main()
            self.assertEqual(len(out.getvalue().splitlines()), 4)
            drawn = xml.etree.ElementTree.parse(chart).getroot()
            self.assertEqual(len(drawn.findall(".//{http://www.w3.org/2000/svg}circle")), 6)


if __name__ == "__main__":
    unittest.main()
