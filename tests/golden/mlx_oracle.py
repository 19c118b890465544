"""Lets mlx-lm convert and quantize checkpoints, and compute logits on the CPU in f32."""

import contextlib
import io
from pathlib import Path

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import torch
from mlx.utils import tree_flatten
from mlx_lm.utils import load_model, quantize_model

from files import write_checkpoint

mx.set_default_device(mx.cpu)

TORCH_VIEWS = {mx.bfloat16: (mx.uint16, torch.bfloat16), mx.uint32: (mx.uint32, torch.uint32)}


def to_torch(array):
    bits, dtype = TORCH_VIEWS.get(array.dtype, (array.dtype, None))
    tensor = torch.from_numpy(np.array(array.view(bits)))
    return tensor if dtype is None else tensor.view(dtype)


def save(directory, config, model):
    tensors = {name: to_torch(array) for name, array in tree_flatten(model.parameters())}
    write_checkpoint(directory, config, tensors, {"format": "mlx"})


def convert(source, directory):
    """Writes what `mlx_lm.convert` makes without quantization: stacks, converted norms, MLX prefixes."""
    model, config = load_model(Path(source))
    save(directory, config, model)


def predicate(model, shape):
    """Returns the rule that chooses the format of a module. The shape's overrides come first, then the model's own
    rule: 8-bit routers. A model without experts has no rule."""
    overrides = shape.get("overrides", {})
    own = None if shape.get("low_bit_routers") else model.quant_predicate
    default = own or (lambda path, module: True)

    def decide(path, module):
        for ending, decision in overrides.items():
            if path.endswith(ending):
                return decision
        return default(path, module)

    return decide


def quantize(source, directory, shape):
    """Writes what `mlx_lm.convert -q` makes of a checkpoint."""
    model, config = load_model(Path(source))
    with contextlib.redirect_stdout(io.StringIO()):  # quantize_model() prints bits per weight
        model, config = quantize_model(
            model, config, shape["group"], shape["bits"], shape.get("mode", "affine"),
            quant_predicate=predicate(model, shape))
    # mlx-lm takes a module without scales for a floating one. Writing `false` makes the exclusion explicit.
    for path, module in model.named_modules():
        if any(path.endswith(end) and decision is False for end, decision in shape.get("overrides", {}).items()):
            config["quantization"][path] = False
    save(directory, config, model)


class F32Embedding(nn.QuantizedEmbedding):
    """An embedding that returns f32. The modes other than affine decode to bf16 (exactly), and without the cast
    everything that follows would be bf16."""

    def __call__(self, x):
        return super().__call__(x).astype(mx.float32)


def logits(directory, tokens):
    """Returns logits f32 [T, V]. mlx-lm's quantized matmuls run on f32 activations, scales and biases."""
    model, _ = load_model(Path(directory))
    model.set_dtype(mx.float32)
    if isinstance(model.model.embed_tokens, nn.QuantizedEmbedding):
        model.model.embed_tokens.__class__ = F32Embedding
    return to_torch(model(mx.array(tokens.numpy())[None])[0])
