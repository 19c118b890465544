"""One model in every form on disk. The text-only export with fused experts is where all of them start."""

import shutil
import tempfile
from pathlib import Path

import torch
from transformers import Qwen3_5MoeConfig, Qwen3_5MoeForConditionalGeneration

from files import read_tensors, write_checkpoint

PROJECTIONS = ("gate_proj", "up_proj", "down_proj")

VISION = {
    "depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "in_channels": 3, "patch_size": 2,
    "spatial_merge_size": 2, "temporal_patch_size": 1, "num_position_embeddings": 4,
}


def text_only_config(text, dtype):
    names = {"bf16": "bfloat16", "f16": "float16", "f32": "float32"}
    known = {key: value for key, value in text.items() if value is not None}
    return {"architectures": ["Qwen3_5MoeForCausalLM"], "dtype": names[dtype], **known}


def take_experts(tensors, layer):
    """Removes the fused experts of a layer; their three projections, each [E, rows, cols]."""
    prefix = f"model.layers.{layer}.mlp.experts."
    gate, up = tensors.pop(prefix + "gate_up_proj").chunk(2, dim=1)
    return dict(zip(PROJECTIONS, (gate, up, tensors.pop(prefix + "down_proj"))))


def split_experts(tensors, layer):
    """Form A: one matrix an expert."""
    for projection, stack in take_experts(tensors, layer).items():
        for expert, matrix in enumerate(stack):
            tensors[f"model.layers.{layer}.mlp.experts.{expert}.{projection}.weight"] = matrix


def stack_experts(tensors, layer):
    """Form C: one stack a projection, as MLX names it."""
    for projection, stack in take_experts(tensors, layer).items():
        tensors[f"model.layers.{layer}.mlp.switch_mlp.{projection}.weight"] = stack


def mtp_tensors(dim):
    """A few tensors of a draft head, there to be passed over."""
    ones = torch.ones(dim, dtype=torch.bfloat16)
    return {"mtp.fc.weight": torch.ones(dim, 2 * dim, dtype=torch.bfloat16), "mtp.norm.weight": ones,
            "mtp.pre_fc_norm_hidden.weight": ones.clone()}


def write_mixed(directory, config, tensors):
    """Layer 0 per expert, layer 1 fused, layer 2 as a stack."""
    tensors = dict(tensors)
    split_experts(tensors, 0)
    stack_experts(tensors, 2)
    write_checkpoint(directory, config, tensors)


def wrapped(tensors):
    return {name.replace("model.", "model.language_model.", 1): tensor for name, tensor in tensors.items()}


def vision_model(text):
    config = Qwen3_5MoeConfig(text_config=text, vision_config=VISION | {"out_hidden_size": text["hidden_size"]})
    return Qwen3_5MoeForConditionalGeneration(config).to(torch.bfloat16)


def vision_tensors(model):
    return {name: torch.full_like(p, 0.5) for name, p in model.state_dict().items() if ".visual." in name}


def write_wrapper(directory, text, tensors):
    """As the large models are published: text_config, vision and draft tensors, fused experts, shards."""
    model = vision_model(text)
    layer_types = model.config.text_config.layer_types
    config = {
        "architectures": ["Qwen3_5MoeForConditionalGeneration"], "model_type": "qwen3_5_moe",
        "image_token_id": 248056, "tie_word_embeddings": False, "vision_config": model.config.vision_config.to_dict(),
        "text_config": text | {"dtype": "bfloat16", "layer_types": layer_types, "mtp_num_hidden_layers": 1,
                               "rope_parameters": text["rope_parameters"] | {
                                   "mrope_interleaved": True, "mrope_section": [11, 11, 10]}},
    }
    extras = vision_tensors(model) | mtp_tensors(text["hidden_size"])
    write_checkpoint(directory, config, wrapped(tensors) | extras, shards=3)


def write_saved(directory, text, tensors):
    """As transformers saves the vision model: the same wrapper, one matrix an expert, shards by size."""
    model = vision_model(text)
    model.load_state_dict(wrapped(tensors) | vision_tensors(model), strict=True)
    with tempfile.TemporaryDirectory() as scratch:
        model.save_pretrained(scratch, max_shard_size="120KB")
        shutil.copytree(scratch, directory, copy_function=shutil.copyfile)


def write_all(root, name, shape, tensors):
    """Every unquantized form but MLX's own, which is converted from the wrapper (mlx_oracle.convert)."""
    write_mixed(root / f"{name}_mixed", text_only_config(shape["text"], shape["dtype"]), tensors)
    write_wrapper(root / f"{name}_wrapper", shape["text"], tensors)
    write_saved(root / f"{name}_saved", shape["text"], tensors)


def per_expert_quantized(source, directory, config):
    """Form D: the stacks of an MLX checkpoint, one matrix with scales and biases an expert."""
    tensors = {}
    for key, tensor in read_tensors(Path(source)).items():
        path, _, leaf = key.rpartition(".")
        if ".switch_mlp." not in path:
            tensors[key] = tensor
            continue
        for expert, part in enumerate(tensor):
            tensors[f"{path.replace('switch_mlp', f'experts.{expert}')}.{leaf}"] = part
    write_checkpoint(directory, config, tensors, {"format": "mlx"})
