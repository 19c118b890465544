"""plot_paths.py: the picture has what the table has, and the picture in docs/ is the one that the table makes."""

import sys
import unittest
import xml.etree.ElementTree
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import plot_paths

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = """
## Expert paths
Shape `small`, 3 layers. 7 repetitions.

| test | unfused | concat | fused | ratio | floor |
|---|---|---|---|---|---|
| decode, 1 token, context 128 | 48.4 ms | 40 ms | 36.9 ms (21.3 tok/s) | 1.06 | 30 ms |
| verify, 16 tokens, 16 rows | 339 ms | 319 ms | 302 ms | 1.04 | 191 ms |
| prefill, 512 tokens | 5.36 s | 5.10 s | 4.98 s | 1.01 | - |

## Next
"""


class Picture(unittest.TestCase):
    def test_the_table_is_read_row_by_row(self):
        about, rows = plot_paths.read_table(PAGE)
        self.assertEqual(about, "Shape small, 3 layers.")
        self.assertEqual(rows["decode, 1 token"], {"unfused": 48.4, "concat": 40, "fused": 36.9, "floor": 30})
        self.assertEqual(rows["verify, 16 tokens"], {"unfused": 339, "concat": 319, "fused": 302, "floor": 191})

    def test_it_shows_every_pass_and_every_time(self):
        root = xml.etree.ElementTree.fromstring(plot_paths.draw(PAGE))
        words = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
        for path, names in plot_paths.PASSES.items():
            self.assertLessEqual({path, *names}, set(words))
        self.assertLessEqual({"48.4 ms", "36.9 ms", "302 ms", "floor 30 ms", "floor 191 ms"}, set(words))

    def test_the_picture_in_docs_is_that_of_the_table(self):
        made = plot_paths.draw((DOCS / "benchmarks.md").read_text())
        remedy = "make it again: python3 tools/plot_paths.py docs/benchmarks.md > docs/paths.svg"
        self.assertEqual((DOCS / "paths.svg").read_text(), made, remedy)


if __name__ == "__main__":
    unittest.main()
