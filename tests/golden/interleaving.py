"""Lays out the interleaved projections of qwen3_next flat, in the order in which transformers takes them apart."""

import torch
from transformers.models.qwen3_next.modeling_qwen3_next import Qwen3NextGatedDeltaNet

from families import family_of


def source_rows(text):
    """Returns {flat projection: the rows of in_proj_qkvz that it consists of, i64}, and the same for in_proj_ba.

    It runs transformers' own splitting on the numbers of the rows instead of on activations.
    """
    config = family_of(text).config(**text)
    with torch.device("meta"):
        module = Qwen3NextGatedDeltaNet(config, config.layer_types.index("linear_attention"))
    numbers = (torch.arange(m.out_features)[None, None] for m in (module.in_proj_qkvz, module.in_proj_ba))
    q, k, v, z, b, a = (t.flatten() for t in module.fix_query_key_value_ordering(*numbers))
    return {"in_proj_qkv": torch.cat([q, k, v]), "in_proj_z": z}, {"in_proj_b": b, "in_proj_a": a}


def flattened(text, tensors):
    from_qkvz, from_ba = source_rows(text)
    flat = {}
    for name, tensor in tensors.items():
        prefix, _, projection = name.removesuffix(".weight").rpartition(".")
        rows_of = {"in_proj_qkvz": from_qkvz, "in_proj_ba": from_ba}.get(projection)
        if rows_of is None:
            flat[name] = tensor
            continue
        flat |= {f"{prefix}.{projection}.weight": tensor[rows] for projection, rows in rows_of.items()}
    return flat
