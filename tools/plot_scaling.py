#!/usr/bin/env python3
"""Draws how the time of a step grows with the layers, with the positions in the caches, and with the experts that a
batch touches.

  python3 tools/plot_scaling.py build/release/moebius MODEL4 MODEL20 MODEL40 --svg docs/scaling.svg

The models are cuts of one shape (`moebius synth --layers N`), fewest layers first. Contexts and batches are measured on
the first model. Each chart has the measured points and the straight line through them (least squares). r2 says how well
the points lie on the line. Standard library only.
"""

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path

CONTEXTS = (128, 4096, 8192, 16384, 32768)
BATCHES = (1, 2, 4, 8, 16, 32)
REPETITIONS = 15
ROUNDS = 3  # everything is measured so often, because machines drift; a point is a median over rounds
TRIES = 6  # most runs of one measurement, when its read bandwidth differs from the usual one
TOLERANCE = 0.1  # relative deviation of the read bandwidth that is accepted
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 320, 280, 58, 14, 52, 46  # size and margins of one chart, in pixels


def run_once(program, model, *options):
    """Returns the report of `moebius bench` for the fused path alone."""
    command = [program, "bench", model, "--experts", "fused", "--reps", str(REPETITIONS), "--json", *map(str, options)]
    print("running", " ".join(map(str, command[1:])), file=sys.stderr)
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)


class Bench:
    """Makes runs at one read bandwidth. On a shared machine the read bandwidth may double or halve. The times of such
    runs cannot be compared."""

    def __init__(self, program, model, run=run_once):
        self.program, self.run = program, run
        self.gb_s = statistics.median(read_gb_s(run(program, model, "--s", 1)) for _ in range(TRIES))

    def __call__(self, model, *options):
        reports = []
        for _ in range(TRIES):
            reports.append(self.run(self.program, model, *options))
            if self.distance(reports[-1]) <= TOLERANCE:
                break
        return min(reports, key=self.distance)

    def distance(self, report):
        return abs(read_gb_s(report) / self.gb_s - 1)


def read_gb_s(report):
    return report["machine"]["read_gb_s"]


def row_of(report, test):
    return next(row for row in report["rows"] if row["test"] == test)


def median_points(rounds):
    """Takes a list of points [(x, y), ...] per round. Returns one list of points: the medians over the rounds."""
    return [tuple(statistics.median(values) for values in zip(*same)) for same in zip(*rounds)]


def against_layers(bench, models):
    points = []
    for model in models:
        report = bench(model, "--s", 1)
        points.append((report["model"]["layers"], row_of(report, "decode")["ms_median"]))
    return points


def against_context(bench, model):
    reports = [(context, bench(model, "--s", 1, "--context", context)) for context in CONTEXTS]
    return [(context, row_of(report, "decode")["ms_median"]) for context, report in reports]


def against_union(bench, model):
    """Measures the experts alone, because the rest of a step grows with the tokens."""
    points = []
    for batch in BATCHES:
        report = bench(model, "--s", batch, "--ops")
        test = "decode" if batch == 1 else "verify"
        experts = next(op for op in report["ops"] if op["op"] == "experts" and op["test"] == test)
        points.append((row_of(report, test)["experts_mean"], experts["ms"] / experts["calls"]))
    return points


def line_through(points):
    """Returns slope, value at 0 and r2 of the least-squares line."""
    n = len(points)
    mean_x, mean_y = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    xx = sum((x - mean_x) ** 2 for x, _ in points)
    xy = sum((x - mean_x) * (y - mean_y) for x, y in points)
    yy = sum((y - mean_y) ** 2 for _, y in points)
    return xy / xx, mean_y - xy / xx * mean_x, xy * xy / (xx * yy) if yy else 1.0


def text(x, y, words, *, anchor="middle", weight="normal", size=12):
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" font-weight="{weight}" font-size="{size}">{words}</text>'


def chart(offset, title, unit, points):
    """Returns the SVG of one chart, whose axes begin at x = 0 and y = 0."""
    slope, at_zero, r2 = line_through(points)
    most_x, most_y = max(x for x, _ in points), max(y for _, y in points)

    def place(x, y):
        across = offset + LEFT + x / most_x * (WIDTH - LEFT - RIGHT)
        return across, HEIGHT - BOTTOM - y / most_y * (HEIGHT - TOP - BOTTOM) * 0.95

    origin, end = place(0, 0), place(most_x, 0)
    parts = [
        text(offset + WIDTH / 2, 20, title, weight="bold", size=13),
        text(offset + WIDTH / 2, 38, f"{slope:.3g} ms per {unit}, {at_zero:.3g} ms at none, r2 {r2:.4f}"),
        f'<path d="M{origin[0]:.0f} {TOP} V{origin[1]:.0f} H{end[0]:.0f}" fill="none" stroke="black"/>',
        text(offset + LEFT - 6, place(0, most_y)[1] + 4, f"{most_y:.3g} ms", anchor="end"),
        text(offset + LEFT - 6, origin[1] + 4, "0", anchor="end"),
    ]
    from_line, to_line = place(0, max(at_zero, 0)), place(most_x, at_zero + slope * most_x)
    parts.append(
        f'<path d="M{from_line[0]:.1f} {from_line[1]:.1f} L{to_line[0]:.1f} {to_line[1]:.1f}" stroke="#a8c5e6" '
        'stroke-width="2"/>')  # fmt: skip
    for x, y in points:
        at = place(x, y)
        parts.append(f'<circle cx="{at[0]:.1f}" cy="{at[1]:.1f}" r="4" fill="#1f5fa8"/>')
    for x in (points[0][0], points[-1][0]):
        parts.append(text(place(x, 0)[0], HEIGHT - BOTTOM + 16, f"{x:g}"))
    parts.append(text(offset + WIDTH / 2, HEIGHT - BOTTOM + 34, unit + "s"))
    return "\n".join(parts)


def svg(charts):
    width = WIDTH * len(charts)
    body = "\n".join(chart(i * WIDTH, *c) for i, c in enumerate(charts))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{HEIGHT}" font-family="sans-serif">\n'
        f'<rect width="{width}" height="{HEIGHT}" fill="white"/>\n{body}\n</svg>\n')  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=Path)
    parser.add_argument("models", type=Path, nargs="+", help="cuts of one shape, fewest layers first")
    parser.add_argument("--svg", type=Path, required=True)
    options = parser.parse_args()
    first = options.models[0]
    bench = Bench(options.program, first)
    measurements = [
        ("decode, against layers", "layer", lambda: against_layers(bench, options.models)),
        ("decode, against context", "position", lambda: against_context(bench, first)),
        ("experts of a layer, against their union", "expert", lambda: against_union(bench, first)),
    ]
    rounds = [[measure() for _, _, measure in measurements] for _ in range(ROUNDS)]
    charts = [(title, unit, median_points([r[i] for r in rounds])) for i, (title, unit, _) in enumerate(measurements)]
    print(f"read bandwidth {bench.gb_s:.1f} GB/s")
    for title, unit, points in charts:
        print(title + ":", ", ".join(f"{x:g} {unit}s {y:.3f} ms" for x, y in points))
    options.svg.write_text(svg(charts))


if __name__ == "__main__":
    main()
