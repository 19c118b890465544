#!/usr/bin/env python3
"""Makes tests/golden/quant/: weights, and their quantization by MLX on a CPU.

    python3 tests/golden/make_quant.py        needs: mlx[cpu], numpy

affine.safetensors, for T in f32, f16, bf16, B in 2 3 4 5 6 8, G in 32 64 128:
    T.weight                          [rows, 128] in dtype T
    T.bB.gG.codes, .scales, .biases   mx.quantize(T.weight, G, B)
    f32.bB.gG.decoded                 mx.dequantize of the first DECODED_ROWS rows, f32
Some rows are random, the others are rows that break encoders: see `rows`.

mxfp4.safetensors, for T in f32, f16, bf16 and two stacks, [1, 7, 32] and [3, 5, 96]:
    T.weight                          [rows, 128] in dtype T; stackN.weight in bf16
    T.codes, .scales                  mx.quantize(T.weight, mode="mxfp4"); scales u8
    T.decoded                         mx.dequantize of them, f32
    every.codes, .scales, .decoded    [256, ...]: all sixteen codes under every scale from 0 to 255
Rows: see `mxfp4_rows`.
"""

from pathlib import Path

import mlx.core as mx
import numpy as np

COLS = 128
DECODED_ROWS = 10
BITS = (2, 3, 4, 5, 6, 8)
GROUPS = (32, 64, 128)
# (name, MLX dtype, largest finite value, smallest subnormal)
DTYPES = (
    ("f32", mx.float32, 3.4e38, 1.4e-45),
    ("f16", mx.float16, 65504.0, 6.0e-8),
    ("bf16", mx.bfloat16, 3.38e38, 9.2e-41),
)


def ties(rng, bits):
    """Returns weights halfway between two codes. The encoder chooses bias -1 and a power of two as scale for them."""
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


def mxfp4_ties():
    """Returns weights halfway between two elements under a scale of one, and just beside such a tie."""
    halves = np.array([0.25, 0.75, 1.25, 1.75, 2.5, 3.5, 5.0, 6.0])
    row = np.tile(np.concatenate([halves, -halves, halves * (1 + 2**-7), -halves * (1 - 2**-7)]), COLS // 32)
    row[::32] = 6.0
    return np.clip(row, -6.0, 6.0)


def mxfp4_rows(rng, smallest_exponent, largest_exponent):
    """Returns groups with scales from 2^smallest_exponent to 2^largest_exponent. Beyond them, MLX on a CPU wraps the
    scale around."""
    normal = lambda: rng.standard_normal(COLS)
    one_group_zero = normal()
    one_group_zero[32:64] = 0.0
    lonely = np.zeros(COLS)
    lonely[17::32] = -0.125
    boundaries = np.repeat([6.0, 6.0 * (1 + 2**-7), 6.0 * (1 - 2**-8), 3.0 * (1 + 2**-7)], 32)
    full = np.clip(normal() * 3.0, -6.0, 6.0)
    full[::32] = -6.0
    return np.stack(
        [normal() * s for s in (1.0, 0.02, 1e-3, 30.0)]
        + [rng.random(COLS), -rng.random(COLS) - 0.5, one_group_zero, lonely, np.zeros(COLS), -np.zeros(COLS)]
        + [mxfp4_ties(), boundaries, -boundaries, np.full(COLS, 0.3), np.full(COLS, -0.3)]
        + [full * 2.0 ** (smallest_exponent + i) for i in range(4)]
        + [full * 2.0 ** (largest_exponent - i) for i in range(3)]
    )


def mxfp4_of(name, weight):
    codes, scales = mx.quantize(weight, mode="mxfp4")
    return {f"{name}.weight": weight, f"{name}.codes": codes, f"{name}.scales": scales,
            f"{name}.decoded": mx.dequantize(codes, scales, mode="mxfp4", dtype=mx.float32)}


def mxfp4_every_value():
    scales = np.arange(256, dtype=np.uint8)[:, None]
    codes = np.tile(np.uint32([0x76543210, 0xFEDCBA98] * 2), (256, 1))
    codes, scales = mx.array(codes), mx.array(scales)
    return {"every.codes": codes, "every.scales": scales,
            "every.decoded": mx.dequantize(codes, scales, mode="mxfp4", dtype=mx.float32)}


def mxfp4():
    tensors = mxfp4_every_value()
    # 2^-127, a subnormal, is the smallest scale there is. Above the largest scales here, 6 times the scale is infinite.
    for seed, (name, dtype, exponents) in enumerate(
            (("f32", mx.float32, (-127, 125)), ("f16", mx.float16, (-12, 13)), ("bf16", mx.bfloat16, (-127, 125)))):
        values = mxfp4_rows(np.random.default_rng(100 + seed), *exponents)
        tensors |= mxfp4_of(name, mx.array(values.astype(np.float32)).astype(dtype))
    for name, shape in (("stack1", (1, 7, 32)), ("stack3", (3, 5, 96))):
        values = np.random.default_rng(len(name) + shape[0]).standard_normal(shape)
        tensors |= mxfp4_of(name, mx.array(values.astype(np.float32)).astype(mx.bfloat16))
    return tensors


def affine():
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
    return tensors


def main():
    mx.set_default_device(mx.cpu)
    for name, make in (("affine", affine), ("mxfp4", mxfp4)):
        path = Path(__file__).parent / "quant" / f"{name}.safetensors"
        path.parent.mkdir(exist_ok=True)
        mx.save_safetensors(str(path), make(), {"mlx": mx.__version__})
        print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
