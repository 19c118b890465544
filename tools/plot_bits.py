#!/usr/bin/env python3
"""Draws what quantization costs a model on a text: KL divergence from the unquantized model, and perplexity, by bits.

  python3 tools/plot_bits.py build/release/moebius MODEL TEXT --svg docs/bits.svg

MODEL is an unquantized checkpoint. It is quantized to 2, 3, 4, 5, 6 and 8 bits in groups of 64 in a temporary folder.
Standard library only.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
from pathlib import Path

BITS = (2, 3, 4, 5, 6, 8)
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 340, 260, 62, 16, 44, 46  # size and margins of one chart, in pixels


def quantize(program, model, folder):
    """Quantizes the model. Returns number of bits -> path of the quantized checkpoint."""
    made = {bits: Path(folder) / f"{bits} bits" for bits in BITS}
    for bits, path in made.items():
        print(f"quantizing to {bits} bits", file=sys.stderr)
        subprocess.run([program, "quantize", model, path, "--bits", str(bits)], check=True, stderr=subprocess.DEVNULL)
    return made


def measure(program, model, text, quantized):
    """Returns the perplexity of the model, and bits -> what `moebius perplexity` reports of the quantized model."""
    against = [argument for path in quantized.values() for argument in ("--against", str(path))]
    command = [program, "perplexity", str(model), str(text), "--json", *against]
    report = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return report["perplexity"], dict(zip(quantized, report["comparisons"]))


def nice(value):
    return f"{value:.2g}" if value < 0.1 else f"{value:.3f}"


def chart(title, points, left, base=None):
    """Yields the SVG of one line over the bits, on a logarithmic scale. `base` is the height of a dashed line."""
    values = [value for _, value in points] + ([base] if base else [])
    low, high = math.log(min(values)), math.log(max(values))
    span = (high - low) or 1

    def x(bits):
        return left + LEFT + (bits - BITS[0]) / (BITS[-1] - BITS[0]) * (WIDTH - LEFT - RIGHT)

    def y(value):
        return TOP + (high - math.log(value)) / span * (HEIGHT - TOP - BOTTOM)

    middle = left + (LEFT + WIDTH - RIGHT) / 2
    yield f'<text x="{middle:.0f}" y="20" text-anchor="middle" font-weight="bold">{title}</text>'
    yield f'<text x="{middle:.0f}" y="{HEIGHT - 8}" text-anchor="middle">bits a weight, groups of 64</text>'
    if base:
        yield (f'<line x1="{left + LEFT}" x2="{left + WIDTH - RIGHT}" y1="{y(base):.1f}" y2="{y(base):.1f}" '
               'stroke="#999" stroke-dasharray="4 3"/>')
    line = " ".join(f"{x(bits):.1f},{y(value):.1f}" for bits, value in points)
    yield f'<polyline points="{line}" fill="none" stroke="#2457a7" stroke-width="2"/>'
    for bits, value in points:
        yield f'<circle cx="{x(bits):.1f}" cy="{y(value):.1f}" r="3.5" fill="#2457a7"/>'
        yield f'<text x="{x(bits):.1f}" y="{y(value) - 8:.1f}" text-anchor="middle" font-size="10">{nice(value)}</text>'
        yield f'<text x="{x(bits):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{bits}</text>'


def draw(perplexity, comparisons):
    kl = [(bits, c["kl_mean"]) for bits, c in comparisons.items()]
    own = [(bits, c["perplexity"]) for bits, c in comparisons.items()]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{2 * WIDTH}" height="{HEIGHT}" font-family="sans-serif" '
        'font-size="12">',
        f'<rect width="{2 * WIDTH}" height="{HEIGHT}" fill="white"/>',
        *chart("KL divergence from unquantized, nats", kl, 0),
        *chart(f"perplexity (unquantized: {perplexity:.4f})", own, WIDTH, perplexity),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("model")
    parser.add_argument("text")
    parser.add_argument("--svg", type=Path, required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        quantized = quantize(options.program, options.model, folder)
        perplexity, comparisons = measure(options.program, options.model, options.text, quantized)
    for bits, c in comparisons.items():
        print(f"{bits} bits: perplexity {c['perplexity']:.4f}, KL {c['kl_mean']:.3g}, "
              f"same first choice {c['same_top_percent']:.2f} %")
    options.svg.write_text(draw(perplexity, comparisons))


if __name__ == "__main__":
    main()
