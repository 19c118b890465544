#!/usr/bin/env python3
"""Measures how far two sets of logits are apart.

    python3 tests/golden/compare.py ACTUAL.safetensors EXPECTED.safetensors

ACTUAL holds `logits` f32 [T, V], as `moebius logits --out` writes them. EXPECTED holds one or more tensors called
*logits. Exits with 1 when the distance from one of them exceeds the promise, 1e-3 * max(1, standard deviation of the
expected logits).
"""

import argparse
import dataclasses
import sys

import numpy as np
from safetensors.numpy import load_file

PROMISE = 1e-3


@dataclasses.dataclass
class Distance:
    max_abs: float
    rms: float
    std: float  # of the expected logits
    argmax_agreement: float  # share of tokens
    kl_mean: float  # KL(expected || actual) per token, nats
    kl_max: float

    @property
    def of_promise(self):
        """Returns max_abs as a share of the promise. At most 1 is allowed."""
        return self.max_abs / (PROMISE * max(1.0, self.std))


def log_softmax(logits):
    shifted = logits - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def distance(actual, expected):
    if actual.shape != expected.shape:
        raise SystemExit(f"shapes differ: {actual.shape} and {expected.shape}")
    actual, expected = actual.astype(np.float64), expected.astype(np.float64)
    p, q = log_softmax(expected), log_softmax(actual)
    kl = np.maximum((np.exp(p) * (p - q)).sum(-1), 0.0)
    difference = np.abs(actual - expected)
    return Distance(
        max_abs=difference.max(), rms=np.sqrt((difference**2).mean()), std=expected.std(),
        argmax_agreement=(actual.argmax(-1) == expected.argmax(-1)).mean(), kl_mean=kl.mean(), kl_max=kl.max())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("actual")
    parser.add_argument("expected")
    options = parser.parse_args()
    actual, expected = load_file(options.actual)["logits"], load_file(options.expected)
    if not np.isfinite(actual).all():
        raise SystemExit(f"{options.actual}: {(~np.isfinite(actual)).sum()} logits are not finite")
    missed = False
    for name in sorted(name for name in expected if name.endswith("logits")):
        d = distance(actual, expected[name])
        print(f"{name:12} max |difference| {d.max_abs:.2e} = {d.of_promise:.3f} of the promise (std {d.std:.3f}), "
              f"rms {d.rms:.2e}, argmax agrees {d.argmax_agreement:.1%}, KL mean {d.kl_mean:.2e} max {d.kl_max:.2e}")
        missed |= not d.of_promise <= 1.0
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
