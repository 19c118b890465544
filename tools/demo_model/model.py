"""The model: transformers' own qwen3_5_moe classes and MTP layer, and replacements that make them fast enough to train.

make_fast() replaces inner functions of transformers by equal ones. These are the chunked delta rule (transformers'
solves triangular systems row by row and does not support packed rows), the convolution before it, the loop over experts
(computing all sixteen at once is cheaper at this size), and the router (which gains the balancing loss). tests.py
compares the replacements with transformers.
"""

import copy
import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("USE_HUB_KERNELS", "0")  # the plain torch path, never a downloaded kernel

import torch
import torch.nn.functional as F
from transformers import Qwen3_5MoeForCausalLM, Qwen3_5MoeTextConfig
from transformers.modeling_layers import MtpLayer
from transformers.models.qwen3_5_moe import modeling_qwen3_5_moe as modeling

MTP_NAMES = {"enorm": "pre_fc_norm_embedding", "hnorm": "pre_fc_norm_hidden", "eh_proj": "fc", "mtp_block": "layers.0",
             "post_norm": "norm"}
RESET = -30.0  # log of the decay at an empty place; three empty places make the state forget everything
BLOCK = 16

TEXT = {
    "model_type": "qwen3_5_moe_text", "attention_bias": False, "attn_output_gate": True, "head_dim": 64,
    "hidden_act": "silu", "hidden_size": 256, "initializer_range": 0.04, "linear_conv_kernel_dim": 4,
    "linear_key_head_dim": 64, "linear_num_key_heads": 2, "linear_num_value_heads": 4, "linear_value_head_dim": 64,
    "mamba_ssm_dtype": "float32", "max_position_embeddings": 4096, "moe_intermediate_size": 128,
    "mtp_num_hidden_layers": 1, "num_attention_heads": 4, "num_experts": 16, "num_experts_per_tok": 4,
    "num_hidden_layers": 8, "num_key_value_heads": 2, "rms_norm_eps": 1e-6,
    "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.25,
                        "mrope_section": [3, 3, 2], "mrope_interleaved": True},
    "shared_expert_intermediate_size": 64, "tie_word_embeddings": True, "vocab_size": 2304,
}
TINY = {"num_hidden_layers": 4, "hidden_size": 64, "head_dim": 32, "num_attention_heads": 2, "num_key_value_heads": 1,
        "linear_key_head_dim": 32, "linear_num_key_heads": 1, "linear_num_value_heads": 2,
        "linear_value_head_dim": 32, "moe_intermediate_size": 64}


def text_config(tiny):
    text = copy.deepcopy(TEXT)
    if tiny:
        text |= TINY
        text["rope_parameters"]["mrope_section"] = [2, 1, 1]
    interval = 4
    kinds = ["full_attention" if (i + 1) % interval == 0 else "linear_attention"
             for i in range(text["num_hidden_layers"])]
    return text | {"full_attention_interval": interval, "layer_types": kinds}


class Model(torch.nn.Module):
    """The language model and its draft head."""

    def __init__(self, text):
        super().__init__()
        known = {k: v for k, v in text.items() if k not in ("attn_output_gate", "mamba_ssm_dtype",
                                                            "mtp_num_hidden_layers", "full_attention_interval")}
        config = Qwen3_5MoeTextConfig(**copy.deepcopy(known))
        config._attn_implementation = "sdpa"
        config._experts_implementation = "eager"
        self.main = Qwen3_5MoeForCausalLM(config).float()
        head_config = copy.deepcopy(config)
        head_config.num_hidden_layers, head_config.layer_types = 1, ["full_attention"]
        self.mtp = MtpLayer(head_config, modeling.Qwen3_5MoeDecoderLayer, modeling.Qwen3_5MoeRMSNorm, layer_idx=0)
        for module in self.mtp.modules():
            self.main._init_weights(module)

    def hidden(self, ids, segments):
        """Returns the hidden states after the final norm, [B, T, D], and (rotary, mask, positions) for the head."""
        trunk = self.main.model
        x = trunk.embed_tokens(ids)
        positions = torch.arange(ids.shape[1], device=ids.device)[None]
        rotary = trunk.rotary_emb(x, positions)
        seen = segments[:, None, :, None] == segments[:, None, None, :]
        seen = seen & (positions[0][:, None] >= positions[0][None, :])
        kept = segments > 0
        for layer in trunk.layers:
            full = layer.block_type == "full_attention"
            x = layer(x, position_embeddings=rotary, attention_mask=seen if full else kept, position_ids=positions,
                      empty=~kept)
        return trunk.norm(x), (rotary, seen, positions)

    def draft_hidden(self, ids, hidden, places):
        """Returns the hidden states of the draft head, which at place t sees hidden state t and token t + 1."""
        rotary, seen, positions = places
        following = self.main.model.embed_tokens(ids.roll(-1, dims=1))
        return self.mtp(following, hidden, position_embeddings=rotary, attention_mask=seen, position_ids=positions,
                        cache=None)

    def logits(self, hidden):
        return self.main.lm_head(hidden)


def shifted(weights, segments, by):
    """Returns the weights of the targets `by` places ahead. They are zero where the target is in another document."""
    same = segments == segments.roll(-by, dims=1)
    same[:, -by:] = False
    return weights.roll(-by, dims=1) * (same & (segments > 0))


def cross_entropy(logits, ids, weights, by):
    losses = F.cross_entropy(logits.flatten(0, 1).float(), ids.roll(-by, dims=1).flatten(), reduction="none")
    return (losses * weights.flatten()).sum() / weights.sum().clamp(min=1)


def losses(model, ids, segments, weights):
    """Returns (loss of the next token, loss of the draft head)."""
    hidden, places = model.hidden(ids, segments)
    drafted = model.draft_hidden(ids, hidden, places)
    return (cross_entropy(model.logits(hidden), ids, shifted(weights, segments, 1), 1),
            cross_entropy(model.logits(drafted), ids, shifted(weights, segments, 2), 2))


def published(model):
    """Returns {name on disk: parameter}. A tied output head has no tensor of its own."""
    named = {name: p for name, p in model.main.named_parameters() if name != "lm_head.weight"}
    for name, parameter in model.mtp.named_parameters():
        part, _, rest = name.partition(".")
        named[f"mtp.{MTP_NAMES[part]}.{rest}"] = parameter
    return named


def unit_lower_inverse(strict):
    """Returns (I + A)^-1 for strictly lower A [..., C, C]. It uses powers of A within blocks of 16, whose growth f32
    can bear, and then combines pairs of blocks. This takes 3 C/16 products; a solver would walk the rows."""
    size = strict.shape[-1]
    eye = torch.eye(BLOCK, dtype=strict.dtype, device=strict.device)
    tiles = strict.unflatten(-1, (size // BLOCK, BLOCK)).unflatten(-3, (size // BLOCK, BLOCK))
    power = -tiles.diagonal(dim1=-4, dim2=-2).movedim(-1, -3).contiguous()  # [..., C/16, 16, 16]
    inverse = eye + power
    for _ in range(3):
        power = power @ power
        inverse = inverse + inverse @ power
    width = BLOCK
    while width < size:
        upper, lower = inverse[..., 0::2, :, :], inverse[..., 1::2, :, :]
        tiles = strict.unflatten(-1, (size // width, width)).unflatten(-3, (size // width, width))
        between = torch.stack([tiles[..., 2 * i + 1, :, 2 * i, :] for i in range(size // width // 2)], dim=-3)
        off = -(lower @ between @ upper)
        inverse = torch.cat([torch.cat([upper, torch.zeros_like(upper)], -1), torch.cat([off, lower], -1)], -2)
        width *= 2
    return inverse.squeeze(-3)


class UnitLowerInverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx, strict):
        inverse = unit_lower_inverse(strict)
        ctx.save_for_backward(inverse)
        return inverse

    @staticmethod
    def backward(ctx, gradient):
        (inverse,) = ctx.saved_tensors
        turned = inverse.transpose(-1, -2)
        return -(turned @ gradient @ turned).tril(-1)


def delta_rule(query, key, value, g, beta, empty=None, chunk_size=64, **_):
    """The chunked gated delta rule of transformers, in f32. An `empty` place [B, T] clears the state before it."""
    dtype, length, repeats = query.dtype, query.shape[1], value.shape[2] // key.shape[2]
    with torch.autocast(query.device.type, enabled=False):
        q, k, v, g, beta = (x.float().transpose(1, 2) for x in (query, key, value, g, beta))
        if empty is not None:
            g = g.masked_fill(empty[:, None], RESET)
            beta = beta.masked_fill(empty[:, None], 0.0)  # its convolution still sees tokens before it
        q = modeling.l2norm(q) * q.shape[-1] ** -0.5
        k = modeling.l2norm(k)
        q, k = (x.repeat_interleave(repeats, dim=1) for x in (q, k))
        padding = -length % chunk_size
        q, k, v = (F.pad(x, (0, 0, 0, padding)).unflatten(2, (-1, chunk_size)) for x in (q, k, v))
        g, beta = (F.pad(x, (0, padding)).unflatten(2, (-1, chunk_size)) for x in (g, beta))
        out = chunks(q, k, v, g.cumsum(-1), beta[..., None]).flatten(2, 3)[:, :, :length]
    return out.transpose(1, 2).to(dtype), None


def chunks(q, k, v, decay, beta):
    """Runs the delta rule over N chunks of C places. q, k, v are [B, H, N, C, d]; decay holds cumulated logs
    [B, H, N, C]."""
    above = torch.ones(q.shape[3], q.shape[3], dtype=torch.bool, device=q.device).triu(1)
    pairs = (decay[..., :, None] - decay[..., None, :]).masked_fill(above, float("-inf")).exp()
    solved = UnitLowerInverse.apply(((k * beta) @ k.transpose(-1, -2) * pairs).tril(-1))
    values = solved @ (v * beta)
    keys = solved @ (k * beta * decay.exp()[..., None])
    within = q @ k.transpose(-1, -2) * pairs
    q = q * decay.exp()[..., None]
    k = (k * (decay[..., -1:] - decay).exp()[..., None]).transpose(-1, -2)
    last = decay[..., -1, None, None].exp()
    state, out = 0.0, []
    for i in range(q.shape[2]):
        new = values[:, :, i] - keys[:, :, i] @ state if i else values[:, :, i]
        read = within[:, :, i] @ new
        out.append(read + q[:, :, i] @ state if i else read)
        state = state * last[:, :, i] + k[:, :, i] @ new
    return torch.stack(out, dim=2)


def convolution(hidden_states, weight, bias=None, activation=None, **_):
    """A depthwise causal convolution with four taps, written as sums that a compiler fuses."""
    taps = weight.shape[-1]
    padded = F.pad(hidden_states, (taps - 1, 0))
    out = sum(padded[..., j : j + hidden_states.shape[-1]] * weight[:, j, None] for j in range(taps))
    return F.silu(out).to(hidden_states.dtype)


def all_experts(self, hidden_states, top_k_index, top_k_weights):
    """Computes every expert for every token. The experts that were not chosen are multiplied by zero."""
    shares = torch.zeros(hidden_states.shape[0], self.num_experts, dtype=top_k_weights.dtype,
                         device=hidden_states.device).scatter(1, top_k_index, top_k_weights)
    up = F.linear(hidden_states, self.gate_up_proj.flatten(0, 1)).unflatten(1, (self.num_experts, -1))
    gate, up = up.chunk(2, dim=-1)
    inner = (F.silu(gate) * up * shares[..., None].to(up.dtype)).flatten(1)
    return F.linear(inner, self.down_proj.permute(1, 0, 2).flatten(1))


class WithLoss(torch.autograd.Function):
    """Passes a value on and gives an extra loss its gradient, so that no layer must return that loss."""

    @staticmethod
    def forward(ctx, value, loss):
        return value.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient, torch.ones((), dtype=torch.float32, device=gradient.device)


BALANCE = 0.003  # weight of the loss that keeps experts evenly used


def balanced_router(self, hidden_states):
    """transformers' router in f32, with the balancing loss of its family."""
    with torch.autocast(hidden_states.device.type, enabled=False):
        logits = F.linear(hidden_states.reshape(-1, self.hidden_dim).float(), self.weight)
        shares = logits.softmax(-1)
        top, ids = shares.topk(self.top_k, dim=-1)
        top = top / top.sum(-1, keepdim=True)
        if self.training:
            used = torch.zeros_like(shares).scatter(1, ids, 1.0).mean(0)
            top = WithLoss.apply(top, BALANCE * self.num_experts * (used * shares.mean(0)).sum() / self.top_k)
    return logits, top.to(hidden_states.dtype), ids


def make_fast():
    """Replaces the inner functions in transformers' module for the whole process."""
    modeling.torch_chunk_gated_delta_rule = delta_rule
    modeling.causal_conv1d_fn = convolution
    modeling.Qwen3_5MoeExperts.forward = all_experts
    modeling.Qwen3_5MoeTopKRouter.forward = balanced_router
