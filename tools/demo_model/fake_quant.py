"""MLX's affine quantization in torch, with exactly the codes that `moebius quantize` will store. Training runs with the
weights that those codes stand for."""

import torch

GROUP = 64
MATRIX_BITS, ROUTER_BITS = 4, 8
MIN_SCALE = 1e-7


def bits_of(name, parameter):
    """Returns the bits of a parameter. None: the parameter is not quantized."""
    if name.endswith(("mlp.gate.weight", "shared_expert_gate.weight")):
        return ROUTER_BITS
    floats = name == "mtp.fc.weight" or name.endswith("conv1d.weight") or parameter.dim() < 2
    return None if floats or parameter.shape[-1] % GROUP else MATRIX_BITS


def affine(weights, bits):
    """Rounds weights to codes and converts them back. Scales and biases are stored in bf16, as the weights are."""
    groups = weights.to(torch.bfloat16).float().unflatten(-1, (-1, GROUP))
    low, high = groups.amin(-1, keepdim=True), groups.amax(-1, keepdim=True)
    largest = float(2**bits - 1)
    negative = low.abs() > high.abs()
    scale = ((high - low) / largest).clamp(min=MIN_SCALE)
    scale = torch.where(negative, scale, -scale)
    edge = torch.where(negative, low, high)
    zero_code = torch.round(edge / scale)
    on_grid = zero_code != 0
    scale = torch.where(on_grid, edge / torch.where(on_grid, zero_code, 1.0), scale)
    bias = torch.where(on_grid, edge, 0.0)
    codes = torch.round((groups - bias) / scale).clamp(0, largest)
    return (codes * scale.to(torch.bfloat16).float() + bias.to(torch.bfloat16).float()).flatten(-2)


def is_shifted(name):
    """Returns whether this is a norm that multiplies by 1 + w. MLX's layout stores the sum 1 + w."""
    norm = name.endswith("norm.weight") or ".pre_fc_norm_" in name
    return norm and not name.endswith("linear_attn.norm.weight")


def stored(name, weights):
    """Returns the weights that an engine reads back."""
    bits = bits_of(name, weights)
    if bits is not None:
        return affine(weights, bits)
    rounded = weights.to(torch.bfloat16).float()
    return (1.0 + rounded).to(torch.bfloat16).float() - 1.0 if is_shifted(name) else rounded
