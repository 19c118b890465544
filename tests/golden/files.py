"""Writes checkpoint directories and expected logits as JSON and safetensors, in one file or in shards. The bytes are
reproducible."""

import json

from safetensors.torch import load_file, save_file


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n")


def read_json(path):
    return json.loads(path.read_text())


def write_checkpoint(directory, config, tensors, metadata=None, shards=1):
    """Writes one model.safetensors, or an index and `shards` files with whole tensors, dealt out in name order."""
    directory.mkdir(parents=True)
    write_json(directory / "config.json", config)
    metadata = {"format": "pt"} if metadata is None else metadata
    tensors = {name: tensor.contiguous() for name, tensor in tensors.items()}
    if shards == 1:
        save_file(tensors, directory / "model.safetensors", metadata)
        return
    weight_map = {}
    for shard in range(shards):
        file_name = f"model-{shard + 1:05d}-of-{shards:05d}.safetensors"
        part = {name: tensors[name] for name in sorted(tensors)[shard::shards]}
        save_file(part, directory / file_name, metadata)
        weight_map |= dict.fromkeys(part, file_name)
    total = sum(t.numel() * t.element_size() for t in tensors.values())
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    write_json(directory / "model.safetensors.index.json", index)


def read_tensors(directory):
    tensors = {}
    for path in sorted(directory.glob("model*.safetensors")):
        tensors |= load_file(path)
    return tensors


def write_expected(path, **tensors):
    """Writes tokens i32 [T], logits f32 [T, V], and any other tensors of the caller."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
