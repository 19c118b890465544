#!/usr/bin/env python3
"""Measures two builds of moebius by turns. Whole processes alternate (old, new, new, old, ...), so that a drift of the
machine's speed hits both alike. Prints, for each row of the bench, the medians and the ratio new / old with a 95 %
confidence interval (bootstrap over the rounds). An interval that holds 1 means that no difference was seen.

    tools/compare_builds.py OLD NEW MODEL [--rounds 7] [--json] [BENCH OPTION...]
"""

import argparse
import json
import random
import statistics
import subprocess
import sys

RESAMPLES = 2000


def bench(program, model, options):
    """Runs one process of the bench. Returns (test, s, experts) -> milliseconds."""
    run = subprocess.run([program, "bench", model, "--json", *options], capture_output=True, text=True)
    if run.returncode != 0:
        raise SystemExit(f"{program}: exit {run.returncode}\n{run.stderr}")
    report = json.loads(run.stdout)
    return {(row["test"], row["s"], row["experts"]): row["ms_median"] for row in report["rows"]}


def interval(ratios, seed=1):
    """Returns the 95 % confidence interval of the median of the ratios."""
    generator = random.Random(seed)
    medians = sorted(
        statistics.median(generator.choices(ratios, k=len(ratios))) for _ in range(RESAMPLES)
    )  # fmt: skip
    return medians[int(0.025 * RESAMPLES)], medians[int(0.975 * RESAMPLES) - 1]


def measure(programs, model, options, rounds):
    """Returns a pair of lists, one per program. Each list holds one result of bench() per round."""
    samples = ([], [])
    for number in range(rounds):
        for i in (0, 1) if number % 2 == 0 else (1, 0):
            print(f"round {number + 1} of {rounds}: {('old', 'new')[i]}", file=sys.stderr)
            samples[i].append(bench(programs[i], model, options))
    return samples


def compare(old, new):
    """Returns one row per measurement that both builds made."""
    rows = []
    for key in old[0]:
        if key not in new[0]:
            continue
        ratios = [n[key] / o[key] for o, n in zip(old, new)]
        low, high = interval(ratios)
        rows.append({
            "test": key[0], "s": key[1], "experts": key[2], "rounds": len(ratios),
            "old_ms": statistics.median(o[key] for o in old), "new_ms": statistics.median(n[key] for n in new),
            "ratio": statistics.median(ratios), "ratio_low": low, "ratio_high": high,
        })  # fmt: skip
    return rows


def table(rows):
    lines = [f"{'test':<10} {'s':>4} {'experts':<8} {'old ms':>10} {'new ms':>10} {'new / old':>10}  95 % interval"]
    for row in rows:
        lines.append(
            f"{row['test']:<10} {row['s']:>4} {row['experts']:<8} {row['old_ms']:>10.3f} {row['new_ms']:>10.3f} "
            f"{row['ratio']:>10.3f}  {row['ratio_low']:.3f} to {row['ratio_high']:.3f}"
        )
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("model")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    arguments, options = parser.parse_known_args()
    old, new = measure((arguments.old, arguments.new), arguments.model, options, arguments.rounds)
    rows = compare(old, new)
    print(json.dumps(rows, indent=2) if arguments.json else table(rows))


if __name__ == "__main__":
    main()
