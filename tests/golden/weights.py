"""Random weights that leave nothing trivial: norms away from one, gates over their whole range, uneven routing.

Every tensor has a generator of its own, seeded by (checkpoint seed, crc32 of its name), so that adding a tensor changes
no other tensor. Values are rounded to the dtype on disk once, here: files and oracles start from the same numbers.
"""

import math
import zlib

import numpy as np
import torch

from families import family_of

DTYPES = {"bf16": torch.bfloat16, "f16": torch.float16, "f32": torch.float32}

# The weights w of zero-centred norms are multiples of 2^-7 and below one in size, so that 1 + w is exact in bf16. An
# MLX conversion stores 1 + w, and so a converted file holds the same model to the bit.
NORM_STEP = 2.0**-7


def norm(rng, shape, shape_facts, mean):
    """Returns the weights of a norm. `mean` is the mean of its factors, less one."""
    w = np.clip(rng.standard_normal(shape) * 0.25 + mean, -0.75, 1.0 - NORM_STEP)
    w = np.round(w / NORM_STEP) * NORM_STEP
    return 1.0 + w if family_of(shape_facts["text"]).plain_norms else w


def common_direction(text, seed):
    """Returns the signs [D] that every embedding leans to. With them a router row can prefer or avoid all tokens."""
    return np.sign(np.random.default_rng([seed, 1]).standard_normal(text["hidden_size"]))


def router(rng, shape, shape_facts):
    w = rng.standard_normal(shape) * 1.5 / math.sqrt(shape[1])
    lean = common_direction(shape_facts["text"], shape_facts["seed"]) / shape[1]
    for expert in shape_facts.get("favourite", ()):
        w[expert] += 12.0 * lean
    for expert in shape_facts.get("shunned", ()):
        w[expert] -= 60.0 * lean
    return w


def embedding(rng, shape, shape_facts):
    lean = shape_facts.get("lean", 0.5)
    w = rng.standard_normal(shape) + lean * common_direction(shape_facts["text"], shape_facts["seed"])
    # A tied table is the output head too. The division keeps the standard deviation of the logits near one.
    return w / math.sqrt(shape[1]) if shape_facts["text"]["tie_word_embeddings"] else w


def convolution(rng, shape, shape_facts):
    """Returns the weights of the channels of q, k, v. Queries and keys may be short: only then does it show where the
    epsilon of their L2 norm goes."""
    text = shape_facts["text"]
    w = 0.5 * rng.standard_normal(shape)
    w[: 2 * text["linear_num_key_heads"] * text["linear_key_head_dim"]] *= shape_facts.get("key_scale", 1.0)
    return w


def values(name, shape, shape_facts):
    rng = np.random.default_rng([shape_facts["seed"], zlib.crc32(name.encode())])
    fan_in = shape[-1]
    if name.endswith("embed_tokens.weight"):
        return embedding(rng, shape, shape_facts)
    if name.endswith("linear_attn.norm.weight"):
        return 1.0 + 0.25 * rng.standard_normal(shape)
    if name.endswith(("q_norm.weight", "k_norm.weight")):
        return norm(rng, shape, shape_facts, mean=0.4)
    if name.endswith("norm.weight") or ".pre_fc_norm_" in name:
        return norm(rng, shape, shape_facts, mean=0.0)
    if name.endswith("A_log"):
        return np.log(rng.uniform(0.05, 4.0, shape))
    if name.endswith("dt_bias"):
        return rng.standard_normal(shape) - 1.0
    if name.endswith("conv1d.weight"):
        return convolution(rng, shape, shape_facts)
    if name.endswith("mlp.gate.weight"):
        return router(rng, shape, shape_facts)
    gain = 1.0 if name.endswith("lm_head.weight") else 1.5
    return rng.standard_normal(shape) * gain / math.sqrt(fan_in)


def disk_dtype(name, shape_facts):
    wide = name.endswith(shape_facts.get("wide", ()) or ("\0",))
    return torch.float32 if wide else DTYPES[shape_facts["dtype"]]


def make(names_and_shapes, shape_facts):
    """Returns {name: tensor in the dtype it has on disk}."""
    return {
        name: torch.from_numpy(values(name, tuple(shape), shape_facts)).to(disk_dtype(name, shape_facts))
        for name, shape in names_and_shapes
    }


def tokens(shape_facts, count):
    rng = np.random.default_rng([shape_facts["seed"], 2])
    return torch.from_numpy(rng.integers(0, shape_facts["text"]["vocab_size"], count).astype(np.int32))
