"""Shapes of qwen3_next: its projections interleave key heads, so every checkpoint has at least two of them."""

import copy

from shapes_qwen3_5_moe import FULL, LINEAR

# Published configs carry these keys. None of them changes a logit.
ALSO = {"attention_dropout": 0.0, "initializer_range": 0.02, "output_router_logits": False, "rope_scaling": None,
        "router_aux_loss_coef": 0.001, "use_cache": True, "use_sliding_window": False}


def text_config(**changes):
    """Returns a text config like that of the published 80B: rotary keys are flat, and there is no layer_types. A change
    to None removes a key."""
    config = {
        "model_type": "qwen3_next",
        "attention_bias": False,
        "decoder_sparse_step": 1,
        "head_dim": 32,
        "hidden_act": "silu",
        "hidden_size": 64,
        "intermediate_size": 96,
        "linear_conv_kernel_dim": 4,
        "linear_key_head_dim": 16,
        "linear_num_key_heads": 2,
        "linear_num_value_heads": 4,
        "linear_value_head_dim": 24,
        "max_position_embeddings": 1024,
        "mlp_only_layers": [],
        "moe_intermediate_size": 24,
        "norm_topk_prob": True,
        "num_attention_heads": 2,
        "num_experts": 4,
        "num_experts_per_tok": 2,
        "num_hidden_layers": 3,
        "num_key_value_heads": 1,
        "partial_rotary_factor": 0.25,
        "rms_norm_eps": 1e-6,
        "rope_theta": 10000000.0,
        "shared_expert_intermediate_size": 32,
        "tie_word_embeddings": False,
        "vocab_size": 64,
    }
    config.update(copy.deepcopy(changes))
    return config


PLAIN = {
    "qwen3_next_r1": {
        "why": "one value head a key head; full_attention_interval; no width a multiple of 64; short queries "
               "and keys, as in long_inputs",
        "seed": 2141,
        "key_scale": 0.02,
        "tokens": 150,
        "dtype": "bf16",
        "also": ALSO,
        "text": text_config(
            full_attention_interval=2, hidden_size=56, vocab_size=101, num_attention_heads=4, num_key_value_heads=2,
            head_dim=48, num_experts=5, moe_intermediate_size=20, shared_expert_intermediate_size=36,
            linear_num_value_heads=2),
    },
    "qwen3_next_r2_dense": {
        "why": "dense layers among the others by mlp_only_layers, one of each kind of attention; weights of experts "
               "are not renormalised; layer_types; f32 A_log and gated norm beside bf16",
        "seed": 2202,
        "tokens": 150,
        "dtype": "bf16",
        "wide": ("A_log", "linear_attn.norm.weight"),
        "text": text_config(
            layer_types=[LINEAR, FULL, LINEAR, FULL], num_hidden_layers=4, mlp_only_layers=[1, 2], hidden_size=48,
            intermediate_size=104, vocab_size=71, norm_topk_prob=False, num_experts=6,
            num_experts_per_tok=3),
    },
    "qwen3_next_r3_step": {
        "why": "three value heads a key head; every second layer dense by decoder_sparse_step, one more by "
               "mlp_only_layers; full attention first; f16; tied embeddings; half of a head rotated",
        "seed": 2323,
        "tokens": 150,
        "dtype": "f16",
        "text": text_config(
            layer_types=[FULL, LINEAR, LINEAR, FULL, LINEAR, LINEAR], num_hidden_layers=6, decoder_sparse_step=2,
            mlp_only_layers=[3], hidden_size=36, vocab_size=83, intermediate_size=72, linear_num_value_heads=6,
            linear_value_head_dim=16, partial_rotary_factor=0.5, rope_theta=50000.0, rms_norm_eps=1e-4,
            num_experts=7, num_experts_per_tok=1, tie_word_embeddings=True),
    },
    "qwen3_next_r4_defaults": {
        "why": "four value heads a key head; f32; keys that have a default are absent: every fourth layer is full "
               "attention, a quarter of a head rotated, all layers have experts, whose weights are renormalised",
        "seed": 2414,
        "tokens": 300,
        "dtype": "f32",
        "text": text_config(
            num_hidden_layers=4, hidden_size=32, vocab_size=60, linear_num_value_heads=8, linear_value_head_dim=12,
            num_experts=5, num_experts_per_tok=3, decoder_sparse_step=None, mlp_only_layers=None,
            norm_topk_prob=None, partial_rotary_factor=None, hidden_act=None, rms_norm_eps=None),
    },
    "qwen3_next_forms": {
        "why": "the same weights in every form on disk",
        "seed": 2535,
        "tokens": 150,
        "dtype": "bf16",
        "also": ALSO,
        "text": text_config(
            full_attention_interval=2, hidden_size=40, vocab_size=53, moe_intermediate_size=16,
            shared_expert_intermediate_size=24),
    },
}


def quantized_text(**changes):
    """Returns a config in which every matrix has a multiple of 64 inputs. mlx-lm does not know layer_types."""
    return text_config(**{
        "full_attention_interval": 2, "vocab_size": 96, "intermediate_size": 128, "moe_intermediate_size": 64,
        "shared_expert_intermediate_size": 64, "linear_key_head_dim": 32, "linear_value_head_dim": 32, **changes})


QUANTIZED = {
    "qwen3_next_q3_g64": {"why": "3 bits; two value heads a key head", "seed": 2601, "bits": 3, "group": 64,
                          "dtype": "bf16", "text": quantized_text()},
    "qwen3_next_q4_g64": {
        "why": "4 bits; three value heads a key head; a dense layer; weights of experts not renormalised",
        "seed": 2602, "bits": 4, "group": 64, "dtype": "bf16",
        "text": quantized_text(linear_num_value_heads=6, mlp_only_layers=[2], norm_topk_prob=False)},
}
