"""Reads an MLX checkpoint back under transformers' names and conventions, in f32, without MLX."""

import numpy as np
import torch

from families import family_of
from files import read_tensors

E2M1 = np.float32([0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6])

# Names of weights of which MLX stores 1 + w and transformers stores w.
ZERO_CENTRED = ("layernorm.weight", "model.norm.weight", "q_norm.weight", "k_norm.weight")


def unpack(packed, bits):
    """Unpacks u32 [..., words] to codes [..., inputs]. The words are one stream of bits, lowest bit first."""
    stream = np.unpackbits(packed.numpy().view(np.uint8), axis=-1, bitorder="little")
    codes = stream.reshape(*packed.shape[:-1], -1, bits)
    return (codes * (1 << np.arange(bits))).sum(-1)


def affine_weight(codes, scales, biases):
    group = codes.shape[-1] // scales.shape[-1]
    scales, biases = (t.float().numpy().repeat(group, -1) for t in (scales, biases))
    return torch.from_numpy(codes.astype(np.float32) * scales + biases)


def mxfp4_weight(codes, scales):
    """Returns the weights. Each group of 32 is multiplied by 2^(scale - 127)."""
    powers = np.ldexp(np.float32(1), scales.numpy().astype(np.int32) - 127)
    return torch.from_numpy(E2M1[codes] * powers.repeat(32, -1))


def module_weight(stored, path, inputs):
    """Returns the f32 weight of a module, quantized or not. Dtypes and shapes tell the mode, the bits and the group."""
    packed, scales = stored[path + ".weight"], stored.get(path + ".scales")
    if scales is None:
        return packed.float()
    codes = unpack(packed, bits=packed.shape[-1] * 32 // inputs)
    if scales.dtype == torch.uint8:
        return mxfp4_weight(codes, scales)
    return affine_weight(codes, scales, stored[path + ".biases"])


def transformers_tensors(directory, text, names_and_shapes):
    """Returns {name: f32 tensor} for every name and shape that transformers asks for."""
    zero_centred = () if family_of(text).plain_norms else ZERO_CENTRED
    stored = {key.removeprefix("language_model."): t for key, t in read_tensors(directory).items()}

    def read(name, shape):
        experts = name.rpartition("experts.")[0] + "switch_mlp."
        if name.endswith("experts.gate_up_proj"):
            return torch.cat([module_weight(stored, experts + p, shape[-1]) for p in ("gate_proj", "up_proj")], dim=1)
        if name.endswith("experts.down_proj"):
            return module_weight(stored, experts + "down_proj", shape[-1])
        if name.endswith("conv1d.weight"):
            return stored[name].float().reshape(shape)
        if name.endswith(zero_centred):
            return stored[name].float() - 1.0
        if name.endswith(".weight"):
            return module_weight(stored, name.removesuffix(".weight"), shape[-1])
        return stored[name].float()

    return {name: read(name, tuple(shape)) for name, shape in names_and_shapes}
