"""Writes one model in every form on disk. Every form is made from the tensors of transformers, with fused experts."""

import shutil
import tempfile
from pathlib import Path

import torch

import interleaving
from families import family_of
from files import read_json, read_tensors, write_checkpoint

PROJECTIONS = ("gate_proj", "up_proj", "down_proj")

VISION = {
    "depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "in_channels": 3, "patch_size": 2,
    "spatial_merge_size": 2, "temporal_patch_size": 1, "num_position_embeddings": 4,
}


def text_only_config(shape):
    names = {"bf16": "bfloat16", "f16": "float16", "f32": "float32"}
    text = {key: value for key, value in shape["text"].items() if value is not None}
    return {"architectures": [family_of(text).model.__name__], "dtype": names[shape["dtype"]],
            **shape.get("also", {}), **text}


def layers_of_experts(tensors):
    """Returns the prefixes of the layers with experts: model.layers.0.mlp. and so on."""
    return [name.removesuffix("experts.gate_up_proj") for name in tensors if name.endswith("experts.gate_up_proj")]


def take_experts(tensors, prefix):
    """Removes the fused experts of a layer. Returns their three projections, each [E, rows, cols]."""
    gate, up = tensors.pop(prefix + "experts.gate_up_proj").chunk(2, dim=1)
    return dict(zip(PROJECTIONS, (gate, up, tensors.pop(prefix + "experts.down_proj"))))


def split_experts(tensors, prefix):
    """Makes form A: one matrix per expert."""
    for projection, stack in take_experts(tensors, prefix).items():
        for expert, matrix in enumerate(stack):
            tensors[f"{prefix}experts.{expert}.{projection}.weight"] = matrix


def stack_experts(tensors, prefix):
    """Makes form C: one stack per projection, under MLX's names."""
    for projection, stack in take_experts(tensors, prefix).items():
        tensors[f"{prefix}switch_mlp.{projection}.weight"] = stack


def published(text, tensors):
    """Returns the tensors of a text-only checkpoint in the form in which the family is published."""
    tensors = dict(tensors)
    if family_of(text).per_expert:
        for prefix in layers_of_experts(tensors):
            split_experts(tensors, prefix)
    return tensors


def mtp_tensors(dim):
    """Returns a few tensors of a draft head for a checkpoint without a real one. Readers must pass over them."""
    ones = torch.ones(dim, dtype=torch.bfloat16)
    return {"mtp.fc.weight": torch.ones(dim, 2 * dim, dtype=torch.bfloat16), "mtp.norm.weight": ones,
            "mtp.pre_fc_norm_hidden.weight": ones.clone()}


def write_published(directory, shape, tensors):
    write_checkpoint(directory, text_only_config(shape), published(shape["text"], tensors))


def write_convertible(directory, shape, tensors):
    """Writes as little as mlx-lm's converter needs. The converter does not know text-only exports of families that have
    a wrapper."""
    text, family = shape["text"], family_of(shape["text"])
    if not family.wrapper:
        write_published(directory, shape, tensors)
        return
    config = {"architectures": [family.wrapper.__name__], "model_type": family.wrapper_config.model_type,
              "text_config": text, "tie_word_embeddings": text["tie_word_embeddings"]}
    write_checkpoint(directory, config, tensors)


def write_fused(directory, shape, tensors):
    """Writes experts as transformers holds them, in a family that is published with one matrix per expert."""
    write_checkpoint(directory, text_only_config(shape), tensors)


def write_flat(directory, shape, tensors):
    """Writes qwen3_next with the projections of its linear attention laid out as in qwen3_5."""
    tensors = interleaving.flattened(shape["text"], tensors)
    write_checkpoint(directory, text_only_config(shape), published(shape["text"], tensors))


def write_mixed(directory, shape, tensors):
    """Writes the experts of layer 0 as one matrix each, those of layer 1 fused, those of layer 2 as a stack."""
    tensors = dict(tensors)
    split_experts(tensors, "model.layers.0.mlp.")
    stack_experts(tensors, "model.layers.2.mlp.")
    write_checkpoint(directory, text_only_config(shape), tensors)


def wrapped(tensors):
    return {name.replace("model.", "model.language_model.", 1): tensor for name, tensor in tensors.items()}


def vision_model(text):
    family = family_of(text)
    config = family.wrapper_config(text_config=text, vision_config=VISION | {"out_hidden_size": text["hidden_size"]})
    return family.wrapper(config).to(torch.bfloat16)


def vision_tensors(model):
    return {name: torch.full_like(p, 0.5) for name, p in model.state_dict().items() if ".visual." in name}


def write_wrapper(directory, shape, tensors):
    """Writes the form in which large models are published: text_config, vision and draft tensors, fused experts,
    shards."""
    text = shape["text"]
    model = vision_model(text)
    layer_types = model.config.text_config.layer_types
    config = {
        "architectures": [type(model).__name__], "model_type": model.config.model_type,
        "image_token_id": 248056, "tie_word_embeddings": text["tie_word_embeddings"],
        "vision_config": model.config.vision_config.to_dict(),
        "text_config": text | {"dtype": "bfloat16", "layer_types": layer_types, "mtp_num_hidden_layers": 1,
                               "rope_parameters": text["rope_parameters"] | {
                                   "mrope_interleaved": True, "mrope_section": [11, 11, 10]}},
    }
    extras = vision_tensors(model) | mtp_tensors(text["hidden_size"])
    write_checkpoint(directory, config, extras | wrapped(tensors), shards=3)


def write_saved(directory, shape, tensors):
    """Writes what transformers saves: one matrix per expert, shards by size. A family that has a wrapper is saved in
    it."""
    text = shape["text"]
    family = family_of(text)
    if family.wrapper:
        model = vision_model(text)
        tensors = wrapped(tensors) | vision_tensors(model)
    else:
        model = family.model(family.config(**text)).to(torch.bfloat16)
    model.load_state_dict(tensors, strict=True)
    with tempfile.TemporaryDirectory() as scratch:
        model.save_pretrained(scratch, max_shard_size="120KB")
        shutil.copytree(scratch, directory, copy_function=shutil.copyfile)


def write_head_hf(directory, source, head):
    """Writes a draft head to a directory of its own. Tensors and config are those of the checkpoint `source`."""
    write_checkpoint(directory, read_json(source / "config.json"), head)


def write_head_mlx(directory, source, head):
    """Writes a draft head as mlx-vlm splits it off (mlx_vlm/speculative/drafters/qwen3_5_mtp): stacks, names without
    "mtp.", norms already 1 + w."""
    head = dict(head)
    for prefix in layers_of_experts(head):
        stack_experts(head, prefix)
    tensors = {name.removeprefix("mtp."): t + 1.0 if t.ndim == 1 else t for name, t in head.items()}
    text = read_json(source / "config.json")["text_config"]
    config = {"model_type": "qwen3_5_mtp", "block_size": text["mtp_num_hidden_layers"] + 2, "text_config": text,
              "tie_word_embeddings": text["tie_word_embeddings"]}
    write_checkpoint(directory, config, tensors, {"format": "mlx"})


# A checkpoint in its published form -> the other forms of the same weights. MLX's own form is missing here, because
# mlx_oracle.convert makes it.
FORMS = {
    "forms": {"mixed": write_mixed, "wrapper": write_wrapper, "saved": write_saved},
    "qwen3_next_forms": {"fused": write_fused, "flat": write_flat, "saved": write_saved},
    "qwen3_moe_forms": {"fused": write_fused, "saved": write_saved},
    "qwen3_5_forms": {"wrapper": write_wrapper, "saved": write_saved},
}
NOT_FOR_TRANSFORMERS = ("mixed", "flat")


def per_expert_quantized(source, directory, config):
    """Writes form D: the stacks of an MLX checkpoint as one matrix with scales and biases per expert."""
    tensors = {}
    for key, tensor in read_tensors(Path(source)).items():
        path, _, leaf = key.rpartition(".")
        if ".switch_mlp." not in path:
            tensors[key] = tensor
            continue
        for expert, part in enumerate(tensor):
            tensors[f"{path.replace('switch_mlp', f'experts.{expert}')}.{leaf}"] = part
    write_checkpoint(directory, config, tensors, {"format": "mlx"})
