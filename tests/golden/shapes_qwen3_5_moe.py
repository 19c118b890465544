"""Shapes of qwen3_5_moe. A file of shapes holds facts only: one entry per checkpoint, with its reason to exist.

Text configs are spelled as transformers spells them. Weights come from weights.py, files from files.py.
"""

import copy

LINEAR, FULL = "linear_attention", "full_attention"


def text_config(**changes):
    """Returns a text config with every key that the family needs. A shape names the keys that it changes."""
    config = {
        "model_type": "qwen3_5_moe_text",
        "attention_bias": False,
        "attn_output_gate": True,
        "head_dim": 32,
        "hidden_act": "silu",
        "hidden_size": 64,
        "linear_conv_kernel_dim": 4,
        "linear_key_head_dim": 32,
        "linear_num_key_heads": 2,
        "linear_num_value_heads": 2,
        "linear_value_head_dim": 32,
        "mamba_ssm_dtype": "float32",
        "max_position_embeddings": 1024,
        "moe_intermediate_size": 32,
        "num_attention_heads": 2,
        "num_experts": 4,
        "num_experts_per_tok": 2,
        "num_hidden_layers": 2,
        "num_key_value_heads": 1,
        "rms_norm_eps": 1e-6,
        "rope_parameters": {"rope_type": "default", "rope_theta": 10000000.0, "partial_rotary_factor": 0.25},
        "shared_expert_intermediate_size": 32,
        "tie_word_embeddings": False,
        "vocab_size": 64,
    }
    config.update(copy.deepcopy(changes))
    return config


# dtype: dtype of the weights on disk. wide: endings of names that stay in f32 (as in the published 35B).
# favourite: experts that every token picks. shunned: experts that no token picks. lean: how much all embeddings have in
# common; favourite and shunned rows of the router rely on it. key_scale: scale of the convolution of queries and keys.
PLAIN = {
    "r1_interval": {
        "why": "one value head a key head; full_attention_interval instead of layer_types; no width a multiple of 64",
        "seed": 101,
        "tokens": 150,
        "dtype": "bf16",
        "wide": ("A_log", "linear_attn.norm.weight"),
        "text": text_config(
            full_attention_interval=2, num_hidden_layers=3, hidden_size=96, head_dim=64, vocab_size=257,
            num_experts=5, num_experts_per_tok=2, moe_intermediate_size=40, shared_expert_intermediate_size=56,
            linear_num_value_heads=2, linear_key_head_dim=32, linear_value_head_dim=24),
    },
    "r2_tied_f16": {
        "why": "two value heads a key head; f16; tied embeddings; top-1; full attention first and last",
        "seed": 202,
        "tokens": 150,
        "dtype": "f16",
        "text": text_config(
            layer_types=[FULL, LINEAR, FULL], num_hidden_layers=3, hidden_size=72, vocab_size=131,
            tie_word_embeddings=True, num_attention_heads=4, num_key_value_heads=2, num_experts=5,
            num_experts_per_tok=1, moe_intermediate_size=24, shared_expert_intermediate_size=88,
            linear_num_value_heads=4, linear_key_head_dim=24, linear_value_head_dim=16,
            rope_parameters={"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.5}),
    },
    "r3_f32": {
        "why": "three value heads a key head; f32; flat RoPE keys; another epsilon; 300 tokens cross a block of keys",
        "seed": 304,
        "tokens": 300,
        "dtype": "f32",
        "text": text_config(
            layer_types=[LINEAR, FULL, FULL, LINEAR], num_hidden_layers=4, hidden_size=56, vocab_size=100,
            num_attention_heads=3, num_key_value_heads=1, num_experts=7, num_experts_per_tok=4,
            moe_intermediate_size=20, shared_expert_intermediate_size=12, linear_num_key_heads=1,
            linear_num_value_heads=3, linear_key_head_dim=16, linear_value_head_dim=40, rms_norm_eps=1e-5,
            rope_parameters=None, rope_theta=50000.0, partial_rotary_factor=0.5),
    },
    "long_inputs": {
        "why": "inputs longer than 512 (value_dim 576, shared width 520); three value heads a key head; one layer "
               "kind; queries and keys so short that the epsilon of their norm shows",
        "seed": 405,
        "key_scale": 0.02,
        "tokens": 150,
        "dtype": "bf16",
        "text": text_config(
            layer_types=[LINEAR, LINEAR], num_hidden_layers=2, hidden_size=40, vocab_size=65, num_experts=3,
            moe_intermediate_size=48, shared_expert_intermediate_size=520, linear_num_value_heads=6,
            linear_value_head_dim=96, linear_key_head_dim=32),
    },
    "published_heads": {
        "why": "head sizes of the published models (256 with 64 rotated; 128 and 128), two value heads a key head",
        "seed": 505,
        "tokens": 150,
        "dtype": "bf16",
        "text": text_config(
            layer_types=[LINEAR, FULL], num_hidden_layers=2, hidden_size=64, vocab_size=96, head_dim=256,
            linear_num_key_heads=1, linear_num_value_heads=2, linear_key_head_dim=128, linear_value_head_dim=128,
            moe_intermediate_size=64, shared_expert_intermediate_size=64),
    },
    "uneven_routing": {
        "why": "one expert takes every token, two take none; top-4 of 16; experts of one cache line",
        "seed": 606,
        "tokens": 150,
        "dtype": "bf16",
        "lean": 2.0,
        "favourite": (3,),
        "shunned": (7, 11),
        "text": text_config(
            full_attention_interval=2, num_hidden_layers=2, hidden_size=80, vocab_size=113, num_experts=16,
            num_experts_per_tok=4, moe_intermediate_size=16, shared_expert_intermediate_size=8,
            linear_num_value_heads=4, linear_value_head_dim=16),
    },
    "yarn_qwen3_5_moe": {
        "why": "YaRN by rope_parameters, over half of a head, with its own bounds of the ramp, neither of them whole; "
               "tokens past the original length",
        "seed": 828,
        "tokens": 150,
        "dtype": "bf16",
        "text": text_config(
            layer_types=[FULL, LINEAR, FULL], num_hidden_layers=3, hidden_size=40, head_dim=64, vocab_size=53,
            moe_intermediate_size=16, shared_expert_intermediate_size=16, linear_key_head_dim=16,
            linear_value_head_dim=16, max_position_embeddings=160,
            rope_parameters={"rope_type": "yarn", "rope_theta": 10000.0, "partial_rotary_factor": 0.5, "factor": 4.0,
                             "original_max_position_embeddings": 40, "beta_fast": 2.5, "beta_slow": 0.5}),
    },
    # This shape is small on purpose, because it is stored once per form on disk (forms.py).
    "forms": {
        "why": "the same weights in every form on disk",
        "seed": 707,
        "tokens": 150,
        "dtype": "bf16",
        "text": text_config(
            full_attention_interval=2, num_hidden_layers=3, hidden_size=48, vocab_size=67, num_experts=4,
            moe_intermediate_size=24, shared_expert_intermediate_size=40, linear_num_key_heads=1,
            linear_num_value_heads=2, linear_key_head_dim=16, linear_value_head_dim=24),
    },
}


def quantized_text(**changes):
    """Returns a config in which every matrix has a multiple of 64 inputs, so that groups of 32 and 64 fit."""
    return text_config(**{
        "full_attention_interval": 2, "hidden_size": 64, "vocab_size": 96, "num_experts": 4,
        "moe_intermediate_size": 64, "shared_expert_intermediate_size": 128, "linear_num_key_heads": 1,
        "linear_num_value_heads": 2, "linear_key_head_dim": 32, "linear_value_head_dim": 32, **changes})


def quantized_text_128(**changes):
    """Returns a config in which every matrix has a multiple of 128 inputs."""
    return quantized_text(**{
        "hidden_size": 128, "moe_intermediate_size": 128, "num_attention_heads": 4, "num_key_value_heads": 2,
        "num_experts": 3, "linear_value_head_dim": 64, **changes})


# dtype: dtype of the weights before quantization, hence of scales and biases. overrides: endings of module names ->
# what these modules take instead of the global parameters. low_bit_routers: routers take the global parameters instead
# of the converter's own 8 bits.
QUANTIZED = {
    "q2_g32": {"why": "2 bits", "seed": 1001, "bits": 2, "group": 32, "dtype": "bf16", "text": quantized_text()},
    "q3_g64": {"why": "3 bits, the format of the 35B demo", "seed": 1002, "bits": 3, "group": 64, "dtype": "bf16",
               "text": quantized_text(num_hidden_layers=4)},
    "q4_g64": {
        "why": "4 bits with overrides: other bits, another group, a module left floating",
        "seed": 1003, "bits": 4, "group": 64, "dtype": "bf16",
        "overrides": {
            "lm_head": {"bits": 6, "group_size": 64},
            "self_attn.v_proj": {"bits": 8, "group_size": 32},
            "layers.1.mlp.switch_mlp.down_proj": {"bits": 5, "group_size": 32},
            "layers.0.linear_attn.in_proj_b": False,
            "layers.0.mlp.shared_expert.up_proj": {"bits": 4, "group_size": 64},
        },
        "text": quantized_text(linear_num_value_heads=3, linear_value_head_dim=64)},
    "q5_g32": {"why": "5 bits, f16 scales", "seed": 1004, "bits": 5, "group": 32, "dtype": "f16",
               "text": quantized_text(linear_num_key_heads=2)},
    "q6_g64": {
        "why": "6 bits; routed down_proj of 96 inputs stays floating; embeddings tied and quantized",
        "seed": 1005, "bits": 6, "group": 64, "dtype": "bf16",
        "text": quantized_text(moe_intermediate_size=96, tie_word_embeddings=True)},
    "q8_g64": {"why": "8 bits: where maddubs saturates; short keys", "seed": 1006, "key_scale": 0.02,
               "bits": 8, "group": 64, "dtype": "bf16", "text": quantized_text(num_experts=3)},
    "q4_g32_f32": {
        "why": "4 bits, group 32, f32 scales; routers at 4 bits like the rest (a custom predicate)",
        "seed": 1007, "bits": 4, "group": 32, "dtype": "f32", "low_bit_routers": True,
        "text": quantized_text(hidden_size=96, num_experts=3, moe_intermediate_size=32,
                               shared_expert_intermediate_size=32)},
    "q3_g128_f16": {"why": "3 bits, group 128, f16 scales", "seed": 1008, "bits": 3, "group": 128, "dtype": "f16",
                    "text": quantized_text_128()},
    "q4_g128": {"why": "4 bits, group 128", "seed": 1009, "bits": 4, "group": 128, "dtype": "bf16",
                "text": quantized_text_128()},
    "mxfp4": {
        "why": "mxfp4, routers and shared gates affine with 8 bits beside it; one routed down_proj in affine 4 bits",
        "seed": 1010, "mode": "mxfp4", "bits": 4, "group": 32, "dtype": "bf16",
        "overrides": {"layers.2.mlp.switch_mlp.down_proj": {"bits": 4, "group_size": 32, "mode": "affine"}},
        "text": quantized_text(num_hidden_layers=3, moe_intermediate_size=96, linear_num_value_heads=3)},
}
