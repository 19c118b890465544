#!/usr/bin/env python3
"""Measures what int8 activations cost: KL divergence and agreement against f32 activations, as a Markdown table.

    python3 tests/golden/activations.py build/release/moebius [CHECKPOINT ...]      default: the quantized goldens

Runs `logits` of the reference backend twice for each checkpoint, on the tokens of its golden or on 64 random ones.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from compare import distance

HERE = Path(__file__).parent
RANDOM_TOKENS = 64


def quantized_goldens():
    checkpoints = [HERE / "checkpoints" / path.stem for path in sorted((HERE / "expected").iterdir())]
    return [path for path in checkpoints if "quantization" in json.loads((path / "config.json").read_text())]


def tokens_for(checkpoint):
    golden = HERE / "expected" / f"{checkpoint.name}.safetensors"
    if golden.exists():
        return load_file(golden)["tokens"]
    config = json.loads((checkpoint / "config.json").read_text())
    return np.random.default_rng(0).integers(0, config.get("text_config", config)["vocab_size"], RANDOM_TOKENS)


def logits(program, checkpoint, tokens, activations):
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "logits.safetensors"
        ids = Path(scratch) / "tokens"
        ids.write_text(",".join(str(token) for token in tokens))
        done = subprocess.run(
            [program, "logits", checkpoint, "--tokens", f"@{ids}", "--out", out, "--backend", "reference",
             "--activations", activations], stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{checkpoint}: exit {done.returncode}\n{done.stderr}")
        return load_file(out)["logits"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("checkpoints", nargs="*", type=Path)
    options = parser.parse_args()
    print("| checkpoint | tokens | KL mean | KL max | argmax agrees | max abs difference | std of logits |")
    print("|---|---|---|---|---|---|---|")
    for checkpoint in options.checkpoints or quantized_goldens():
        tokens = tokens_for(checkpoint)
        f32, int8 = (logits(options.program, checkpoint, tokens, kind) for kind in ("f32", "int8"))
        d = distance(int8, f32)
        print(f"| {checkpoint.name} | {len(tokens)} | {d.kl_mean:.1e} | {d.kl_max:.1e} | {d.argmax_agreement:.1%} "
              f"| {d.max_abs:.1e} | {d.std:.2f} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
