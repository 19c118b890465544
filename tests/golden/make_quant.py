#!/usr/bin/env python3
"""Makes tests/golden/quant/affine.safetensors: weights, and what MLX makes of them on a CPU.

    python3 tests/golden/make_quant.py        needs: mlx[cpu], numpy

Tensors, for T in f32, f16, bf16, B in 2 3 4 5 6 8, G in 32 64 128:
    T.weight                          [rows, 128] in dtype T
    T.bB.gG.codes, .scales, .biases   mx.quantize(T.weight, G, B)
    f32.bB.gG.decoded                 mx.dequantize of the first DECODED_ROWS rows, f32
Rows are random ones and those that break encoders: see `rows`.
"""

from pathlib import Path

import mlx.core as mx
import numpy as np

COLS = 128
DECODED_ROWS = 10
BITS = (2, 3, 4, 5, 6, 8)
GROUPS = (32, 64, 128)
# Name, MLX dtype, largest finite value and smallest subnormal.
DTYPES = (
    ("f32", mx.float32, 3.4e38, 1.4e-45),
    ("f16", mx.float16, 65504.0, 6.0e-8),
    ("bf16", mx.bfloat16, 3.38e38, 9.2e-41),
)


def ties(rng, bits):
    """Weights halfway between two codes: the encoder settles on bias -1 and a scale of a power of two."""
    largest = 2**bits - 1
    steps = rng.integers(0, 2 * largest, COLS)
    steps[0::32], steps[1::32] = 0, 2 * largest - 1
    return -1.0 + steps / 2.0**bits


def rows(rng, largest, smallest):
    normal = lambda: rng.standard_normal(COLS)
    outlier = normal() * 1e-3
    outlier[5::32] = 7.0
    lonely = np.zeros(COLS)
    lonely[17::64] = -0.125
    zeros = np.where(normal() > 0, 0.0, -0.0)
    equal_magnitudes = np.sign(normal()) * 0.75
    return np.stack(
        [normal() * s for s in (1.0, 0.02, 1e-3, 30.0)]
        + [rng.random(COLS), -rng.random(COLS) - 0.5, outlier, lonely, equal_magnitudes]
        + [np.zeros(COLS), -np.zeros(COLS), zeros, np.full(COLS, 0.3), np.full(COLS, -0.3)]
        + [ties(rng, bits) for bits in BITS]
        + [-ties(rng, bits) for bits in (3, 4, 8)]
        + [normal() * 1e-6, normal() * 1e-7, normal() * 1e-9]
        + [rng.integers(-40, 40, COLS) * smallest, rng.integers(-1, 2, COLS) * smallest]
        + [(2 * rng.random(COLS) - 1) * largest, rng.random(COLS) * largest, -rng.random(COLS) * largest]
    )


def main():
    mx.set_default_device(mx.cpu)
    tensors = {}
    for seed, (name, dtype, largest, smallest) in enumerate(DTYPES):
        values = rows(np.random.default_rng(seed), largest, smallest)
        weight = mx.array(values.astype(np.float32)).astype(dtype)
        tensors[f"{name}.weight"] = weight
        for bits in BITS:
            for group in GROUPS:
                key = f"{name}.b{bits}.g{group}"
                codes, scales, biases = mx.quantize(weight, group, bits)
                tensors |= {f"{key}.codes": codes, f"{key}.scales": scales, f"{key}.biases": biases}
                if name == "f32":
                    head = [t[:DECODED_ROWS] for t in (codes, scales, biases)]
                    tensors[f"{key}.decoded"] = mx.dequantize(*head, group, bits)
    path = Path(__file__).parent / "quant" / "affine.safetensors"
    path.parent.mkdir(exist_ok=True)
    mx.save_safetensors(str(path), tensors, {"mlx": mx.__version__})
    print(f"{path}: {path.stat().st_size} bytes, {values.shape[0]} rows")


if __name__ == "__main__":
    main()
