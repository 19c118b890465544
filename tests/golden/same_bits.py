#!/usr/bin/env python3
"""Tests promise 2 on checkpoints of any size: every backend, instruction set, expert path and chunk has the same bits.

    moebius synth --preset qwen3.5-35b-a3b --layers 4 --bits 3 35b-shape
    python3 tests/golden/same_bits.py build/release/moebius 35b-shape [--tokens 24]

Runs `logits` once per combination and compares the files. Prints one line per combination. Exits with 1 when any
differs. Combinations that this machine cannot run are named and counted. bitwise_test.cpp tests the tiny checkpoints.
"""

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

UNAVAILABLE = 69  # exit code of a program that lacks the instruction set


def combinations():
    yield ["--backend", "reference"]
    yield ["--backend", "reference", "--chunk", "7"]
    for isa, experts in itertools.product(("portable", "avx2", "avx512"), ("unfused", "concat", "fused")):
        yield ["--backend", "cpu", "--isa", isa, "--experts", experts, "--threads", "2"]
    for isa, chunk in itertools.product(("portable", "avx2", "avx512"), ("1", "7", "16")):
        yield ["--backend", "cpu", "--isa", isa, "--chunk", chunk, "--threads", "1"]


def logits(program, checkpoint, ids, flags):
    """Returns the logits [T, V]. Returns None when this machine lacks the instruction set."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "logits.safetensors"
        done = subprocess.run([program, "logits", checkpoint, "--tokens", ids, "--out", out, *flags],
                              stderr=subprocess.PIPE, text=True)
        if done.returncode == UNAVAILABLE and "--isa" in flags and "portable" not in flags:
            return None
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(flags)}: exit {done.returncode}\n{done.stderr}")
        return load_file(out)["logits"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--tokens", type=int, default=24, help="random ones of a fixed seed (default 24)")
    options = parser.parse_args()
    config = json.loads((options.checkpoint / "config.json").read_text())
    vocab = config.get("text_config", config)["vocab_size"]
    ids = ",".join(str(t) for t in np.random.default_rng(0).integers(0, vocab, options.tokens))
    expected, different, skipped = None, 0, 0
    for flags in combinations():
        actual = logits(options.program, options.checkpoint, ids, flags)
        if actual is None:
            verdict, skipped = "NOT RUN: this machine lacks it", skipped + 1
        elif expected is None:
            verdict, expected = f"{actual.shape[0]} x {actual.shape[1]} logits, std {actual.std():.3f}", actual
        elif np.array_equal(actual.view(np.uint32), expected.view(np.uint32)):
            verdict = "same bits"
        else:
            verdict, different = f"DIFFERS by up to {np.abs(actual - expected).max():.2e}", different + 1
        print(f"{' '.join(flags):70} {verdict}", flush=True)
    print(f"{different} differ, {skipped} not run")
    return int(different > 0)


if __name__ == "__main__":
    sys.exit(main())
