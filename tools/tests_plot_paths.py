"""plot_paths.py: a whole run on the demo model draws every path, every chart and the floor."""

import os
import sys
import tempfile
import unittest
import xml.etree.ElementTree
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import plot_paths

PROGRAM = os.environ["MOEBIUS_PROGRAM"]
DEMO = Path(__file__).resolve().parent.parent / "models/demo"


class WholeRun(unittest.TestCase):
    def test_it_draws_passes_bars_and_floors(self):
        with tempfile.TemporaryDirectory() as folder:
            svg = Path(folder) / "paths.svg"
            plot_paths.main([PROGRAM, str(DEMO), "--svg", str(svg), "--reps", "1", "--context", "4"])
            root = xml.etree.ElementTree.parse(svg).getroot()
        words = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
        for path, names in plot_paths.PASSES.items():
            self.assertIn(path, words)
            for name in names:
                self.assertIn(name, words)
        for title in plot_paths.CHARTS.values():
            self.assertIn(title, words)
        self.assertEqual(sum(word.startswith("floor ") for word in words), 2)
        self.assertEqual(sum(word.endswith(" tok/s") for word in words), 6)


if __name__ == "__main__":
    unittest.main()
