"""Shapes of dense qwen3_5: both kinds of attention, and one SwiGLU MLP per layer."""

import shapes_qwen3_5_moe
from shapes_qwen3_5_moe import FULL, LINEAR

ONLY_MOE = ("moe_intermediate_size", "num_experts", "num_experts_per_tok", "shared_expert_intermediate_size")


def text_config(**changes):
    config = shapes_qwen3_5_moe.text_config(**{"model_type": "qwen3_5_text", "intermediate_size": 96, **changes})
    return {key: value for key, value in config.items() if key not in ONLY_MOE}


PLAIN = {
    "qwen3_5_r1_tied": {
        "why": "one value head a key head; f16; tied embeddings, as the small ones are published; short "
               "queries and keys, as in long_inputs",
        "seed": 4101,
        "key_scale": 0.02,
        "tokens": 150,
        "dtype": "f16",
        "text": text_config(
            full_attention_interval=2, num_hidden_layers=3, hidden_size=56, intermediate_size=104, vocab_size=101,
            tie_word_embeddings=True, linear_key_head_dim=24, linear_value_head_dim=16, num_attention_heads=4,
            num_key_value_heads=2),
    },
    "qwen3_5_r3": {
        "why": "three value heads a key head, as in the 27B; layer_types; f32 A_log and gated norm beside bf16; "
               "300 tokens cross a block of keys",
        "seed": 4202,
        "tokens": 300,
        "dtype": "bf16",
        "wide": ("A_log", "linear_attn.norm.weight"),
        "text": text_config(
            layer_types=[LINEAR, FULL, LINEAR, FULL, FULL], num_hidden_layers=5, hidden_size=40,
            intermediate_size=88, vocab_size=80, linear_num_value_heads=6, linear_key_head_dim=16,
            linear_value_head_dim=24, rms_norm_eps=1e-4,
            rope_parameters={"rope_type": "default", "rope_theta": 20000.0, "partial_rotary_factor": 0.5}),
    },
    "qwen3_5_forms": {
        "why": "the same weights in every form on disk",
        "seed": 4303,
        "tokens": 150,
        "dtype": "bf16",
        "text": text_config(
            full_attention_interval=2, num_hidden_layers=3, hidden_size=40, vocab_size=53, linear_num_key_heads=2,
            linear_num_value_heads=4, linear_key_head_dim=16, linear_value_head_dim=16),
    },
}


QUANTIZED = {
    "qwen3_5_q4_g64": {
        "why": "4 bits; three value heads a key head", "seed": 4401, "bits": 4, "group": 64, "dtype": "bf16",
        "text": text_config(
            full_attention_interval=2, vocab_size=96, intermediate_size=128, linear_num_key_heads=2,
            linear_num_value_heads=6)},
}
