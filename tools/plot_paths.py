#!/usr/bin/env python3
"""Draws the idea of the project: the passes that each expert path makes over memory, and what a step costs by each.

  python3 tools/plot_paths.py build/release/moebius MODEL --svg docs/paths.svg

Runs `moebius bench` on MODEL for one token and for a batch of 16 to verify. The dashed line of a chart is the floor: the
bytes that the step must read, at the read bandwidth of the same run. Standard library only.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

# path -> its passes over memory
PASSES = {
    "unfused": ("gate", "up", "SwiGLU", "down", "sum"),
    "concat": ("gate + up", "SwiGLU", "down", "sum"),
    "fused": ("gate + up + SwiGLU", "down + sum"),
}
CHARTS = {1: "decode, 1 token", 16: "verify, 16 tokens"}  # rows of the step -> title
ROW, TOP, LABEL, BOX, CHART, GAP = 46, 96, 74, 330, 250, 24  # heights and widths, in pixels
DARK, LIGHT, GREY = "#1f5fa8", "#a9c5e6", "#777"


def measure(program, model, reps, context):
    command = [program, "bench", model, "--experts", ",".join(PASSES), "--s", ",".join(map(str, CHARTS)), "--reps",
               str(reps), "--context", str(context), "--json"]
    print("running", " ".join(map(str, command[1:])), file=sys.stderr)
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)


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


def chart(report, rows, left):
    """One bar a path, and the floor."""
    mine = {row["experts"]: row for row in report["rows"] if row["s"] == rows and row["test"] in ("decode", "verify")}
    longest = max(row["ms_median"] for row in mine.values())
    scale = (CHART - 118) / longest
    floor_ms = mine["fused"]["bytes"] / report["machine"]["read_gb_s"] / 1e6
    yield text(left, TOP - 18, CHARTS[rows], font_weight="bold")
    for i, path in enumerate(PASSES):
        y, row = TOP + i * ROW, mine[path]
        width = row["ms_median"] * scale
        yield f'<rect x="{left}" y="{y}" width="{width:.1f}" height="24" fill="{DARK if path == "fused" else LIGHT}"/>'
        yield text(left + width + 6, y + 16, f'{row["ms_median"]:.3g} ms, {row["tok_s"]:.3g} tok/s', font_size=11)
    x, bottom = left + floor_ms * scale, TOP + len(PASSES) * ROW - 8
    yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 8}" y2="{bottom}" stroke="{GREY}" stroke-dasharray="4 3"/>'
    yield text(x, bottom + 14, f"floor {floor_ms:.3g} ms", text_anchor="middle", font_size=11, fill=GREY)


def draw(report):
    model, machine = report["model"], report["machine"]
    width, height = LABEL + BOX + len(CHARTS) * (GAP + CHART), TOP + len(PASSES) * ROW + 20
    title = f'{model["name"]}: {model["layers"]} layers, {model["weight_bytes"] / 1e9:.1f} GB of weights'
    below = f'{machine["cpu"]}, {machine["isa"]}, {machine["threads"]} threads, reads {machine["read_gb_s"]:.0f} GB/s'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="13">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        text(0, 20, title, font_weight="bold", font_size=15),
        text(0, 40, below, fill=GREY),
        text(LABEL, TOP - 18, "the experts of a layer, pass by pass", font_weight="bold"),
    ]
    for i, path in enumerate(PASSES):
        parts.append(text(0, TOP + i * ROW + 16, path, font_weight="bold" if path == "fused" else "normal"))
        parts.extend(passes(path, TOP + i * ROW))
    for i, rows in enumerate(CHARTS):
        parts.extend(chart(report, rows, LABEL + BOX + GAP + i * (CHART + GAP)))
    return "\n".join([*parts, "</svg>"]) + "\n"


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="build/release/moebius")
    parser.add_argument("model", help="a checkpoint of a mixture of experts")
    parser.add_argument("--svg", type=Path, required=True, help="the file to write")
    parser.add_argument("--reps", type=int, default=9, help="repetitions; the bars are medians")
    parser.add_argument("--context", type=int, default=128, help="positions before the step")
    options = parser.parse_args(arguments)
    options.svg.write_text(draw(measure(options.program, options.model, options.reps, options.context)))


if __name__ == "__main__":
    main()
