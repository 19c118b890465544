#!/usr/bin/env python3
"""Makes convert/hf, a checkpoint in the form that Hugging Face publishes, and its conversions by mlx_lm.convert on a
CPU.

    pip install -r tests/golden/requirements.txt
    python3 tests/golden/make_convert.py

convert/hf has a vision wrapper, fused experts, an MTP head, and f32 A_log and linear_attn.norm beside bf16. The layer
of the MTP head repeats layer 1 of the model, so that a test knows what must become of it. Some numbers of inputs are
multiples of 32 only. convert/mlx_b4_g64 and convert/mlx_b3_g32 hold config.json and the weights that
`mlx_lm.convert -q` makes of convert/hf.
"""

import shutil
import tempfile
from pathlib import Path

import mlx.core as mx
import torch
from mlx_lm.convert import convert
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

import files
import forms
import shapes_qwen3_5_moe
import transformers_oracle
import weights

SHAPE = {
    "seed": 808,
    "dtype": "bf16",
    "wide": ("A_log", "linear_attn.norm.weight"),
    "text": shapes_qwen3_5_moe.text_config(
        full_attention_interval=2, num_hidden_layers=2, hidden_size=64, vocab_size=96, num_experts=3,
        moe_intermediate_size=32, shared_expert_intermediate_size=96, linear_num_key_heads=1,
        linear_num_value_heads=2, linear_key_head_dim=32, linear_value_head_dim=32),
}
CONVERSIONS = ((4, 64), (3, 32))
KEPT = ("config.json", "model.safetensors")


def roughen_norms(tensors):
    """Adds noise to the norms, so that the conversion must round 1 + w. weights.py makes 1 + w exact in bf16."""
    for name, tensor in tensors.items():
        if name.endswith("norm.weight"):
            noise = torch.randn(tensor.shape, generator=torch.Generator().manual_seed(len(name)))
            tensors[name] = (tensor.float() + 0.01 * noise).to(tensor.dtype)


def mtp_head(tensors, dim):
    layer = {name.replace("model.layers.1.", "mtp.layers.0."): tensor.clone()
             for name, tensor in tensors.items() if name.startswith("model.layers.1.")}
    names = [("mtp.fc.weight", (dim, 2 * dim))]
    names += [(f"mtp.{norm}.weight", (dim,)) for norm in ("pre_fc_norm_embedding", "pre_fc_norm_hidden", "norm")]
    return layer | weights.make(names, SHAPE)


def vision_tensors():
    return {"model.visual.patch_embed.proj.bias": torch.ones(16, dtype=torch.bfloat16)}


def write_source(directory):
    text = SHAPE["text"]
    tensors = weights.make(transformers_oracle.parameter_shapes(text), SHAPE)
    roughen_norms(tensors)
    config = {"architectures": ["Qwen3_5MoeForConditionalGeneration"], "model_type": "qwen3_5_moe",
              "vision_config": {"depth": 1, "hidden_size": 16}, "tie_word_embeddings": False,
              "text_config": text | {"dtype": "bfloat16", "mtp_num_hidden_layers": 1}}
    extras = mtp_head(tensors, text["hidden_size"]) | vision_tensors()
    files.write_checkpoint(directory, config, forms.wrapped(tensors) | extras)


def write_tokenizer(directory):
    """Writes any tokenizer. mlx_lm.convert needs one, but it does not matter which."""
    words = {f"w{i}": i for i in range(SHAPE["text"]["vocab_size"])}
    PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel(words, "w0"))).save_pretrained(directory)


def main():
    mx.set_default_device(mx.cpu)
    root = Path(__file__).parent / "convert"
    shutil.rmtree(root, ignore_errors=True)
    write_source(root / "hf")
    for bits, group in CONVERSIONS:
        target = root / f"mlx_b{bits}_g{group}"
        target.mkdir()
        with tempfile.TemporaryDirectory() as scratch:
            source, converted = Path(scratch) / "source", Path(scratch) / "converted"
            shutil.copytree(root / "hf", source)
            write_tokenizer(source)
            convert(str(source), str(converted), quantize=True, q_bits=bits, q_group_size=group)
            for name in KEPT:
                shutil.copyfile(converted / name, target / name)
    for path in sorted(root.rglob("*.safetensors")):
        print(f"{path.parent.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
