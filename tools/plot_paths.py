#!/usr/bin/env python3
"""Draws the idea of the project: the passes that each expert path makes over memory, and what a step costs by each.

  python3 tools/plot_paths.py docs/benchmarks.md > docs/paths.svg

The times are those of the table "Expert paths" of that page, so that the picture and the table cannot differ. The dashed
line of a chart is the floor: the bytes that the step must read, at the read bandwidth of the run. Standard library only.
"""

import argparse
import re
import sys
from pathlib import Path

# path -> its passes over memory
PASSES = {
    "unfused": ("gate", "up", "SwiGLU", "down", "sum"),
    "concat": ("gate + up", "SwiGLU", "down", "sum"),
    "fused": ("gate + up + SwiGLU", "down + sum"),
}
CHARTS = ("decode, 1 token", "verify, 16 tokens")  # how the rows of the table begin
ROW, TOP, LABEL, BOX, CHART, GAP = 46, 96, 74, 330, 230, 24  # heights and widths, in pixels
DARK, LIGHT, GREY = "#1f5fa8", "#a9c5e6", "#777"


def milliseconds(cell):
    return float(re.match(r"([\d.]+) ms", cell).group(1))


def read_table(page):
    """(the sentence above the table, {row: {column: ms}}) of the section "Expert paths"."""
    section = re.search(r"^## Expert paths\n(.*?)^## ", page, re.M | re.S).group(1)
    lines = [line.strip("| \n").split(" | ") for line in section.splitlines() if line.startswith("|")]
    head, rows = lines[0], {}
    for cells in lines[2:]:
        for chart in CHARTS:
            if cells[0].startswith(chart):
                rows[chart] = {name: milliseconds(cells[head.index(name)]) for name in (*PASSES, "floor")}
    about = " ".join(section.split("\n\n")[0].replace("`", "").split())
    return about.split(". 7 repetitions")[0] + ".", rows


def text(x, y, words, **style):
    attributes = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in style.items())
    return f'<text x="{x:.0f}" y="{y:.0f}"{attributes}>{words}</text>'


def passes(path, y):
    """Boxes of equal total width, one a pass."""
    names = PASSES[path]
    width = (BOX - 6 * (len(names) - 1)) / len(names)
    for i, name in enumerate(names):
        x = LABEL + i * (width + 6)
        yield f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="24" rx="4" fill="{LIGHT}"/>'
        yield text(x + width / 2, y + 16, name, text_anchor="middle", font_size=11)


def chart(title, row, left):
    """One bar a path, and the floor."""
    scale = (CHART - 66) / max(row.values())
    yield text(left, TOP - 18, title, font_weight="bold")
    for i, path in enumerate(PASSES):
        y, width = TOP + i * ROW, row[path] * scale
        yield f'<rect x="{left}" y="{y}" width="{width:.1f}" height="24" fill="{DARK if path == "fused" else LIGHT}"/>'
        yield text(left + width + 6, y + 16, f"{row[path]:.3g} ms", font_size=11)
    x, bottom = left + row["floor"] * scale, TOP + len(PASSES) * ROW - 8
    yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 8}" y2="{bottom}" stroke="{GREY}" stroke-dasharray="4 3"/>'
    yield text(x, bottom + 14, f'floor {row["floor"]:.3g} ms', text_anchor="middle", font_size=11, fill=GREY)


def draw(page):
    about, rows = read_table(page)
    width, height = LABEL + BOX + len(CHARTS) * (GAP + CHART), TOP + len(PASSES) * ROW + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="13">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        text(0, 20, "Three ways through the experts of a layer, with the same bits", font_weight="bold", font_size=15),
        text(0, 42, about, fill=GREY, font_size=11),
        text(LABEL, TOP - 18, "passes over memory", font_weight="bold"),
    ]
    for i, path in enumerate(PASSES):
        parts.append(text(0, TOP + i * ROW + 16, path, font_weight="bold" if path == "fused" else "normal"))
        parts.extend(passes(path, TOP + i * ROW))
    for i, title in enumerate(CHARTS):
        parts.extend(chart(title, rows[title], LABEL + BOX + GAP + i * (CHART + GAP)))
    return "\n".join([*parts, "</svg>"]) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path, help="docs/benchmarks.md")
    sys.stdout.write(draw(parser.parse_args().page.read_text()))


if __name__ == "__main__":
    main()
