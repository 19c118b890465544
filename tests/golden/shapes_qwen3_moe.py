"""Shapes of qwen3_moe: attention without a gate, whole heads rotated, no shared expert, norms that multiply by w."""

import copy

# Published configs carry these keys. None of them changes a logit.
ALSO = {"attention_dropout": 0.0, "initializer_range": 0.02, "max_window_layers": 48, "output_router_logits": False,
        "rope_scaling": None, "router_aux_loss_coef": 0.001, "sliding_window": None, "use_cache": True,
        "use_sliding_window": False}


def text_config(**changes):
    """Returns a text config like that of the published 30B: rotary keys are flat. A change to None removes a key."""
    config = {
        "model_type": "qwen3_moe",
        "attention_bias": False,
        "decoder_sparse_step": 1,
        "head_dim": 32,
        "hidden_act": "silu",
        "hidden_size": 64,
        "intermediate_size": 96,
        "max_position_embeddings": 1024,
        "mlp_only_layers": [],
        "moe_intermediate_size": 24,
        "norm_topk_prob": True,
        "num_attention_heads": 4,
        "num_experts": 4,
        "num_experts_per_tok": 2,
        "num_hidden_layers": 3,
        "num_key_value_heads": 2,
        "rms_norm_eps": 1e-6,
        "rope_theta": 1000000.0,
        "tie_word_embeddings": False,
        "vocab_size": 64,
    }
    config.update(copy.deepcopy(changes))
    return config


PLAIN = {
    "qwen3_moe_wide_heads": {
        "why": "heads much wider together than the model (6 x 40 of 44); three query heads a key head",
        "seed": 3101,
        "tokens": 150,
        "dtype": "bf16",
        "also": ALSO,
        "text": text_config(
            hidden_size=44, vocab_size=71, head_dim=40, num_attention_heads=6, num_experts=5,
            moe_intermediate_size=20),
    },
    "qwen3_moe_tied_step": {
        "why": "every second layer dense by decoder_sparse_step; weights of experts not renormalised; f16; tied "
               "embeddings",
        "seed": 3202,
        "tokens": 150,
        "dtype": "f16",
        "text": text_config(
            num_hidden_layers=4, decoder_sparse_step=2, hidden_size=40, vocab_size=83, num_experts=6,
            norm_topk_prob=False, num_experts_per_tok=3, num_key_value_heads=4, tie_word_embeddings=True),
    },
    "qwen3_moe_defaults": {
        "why": "norm_topk_prob absent, which means false, and other keys that have a default; dense layers by "
               "mlp_only_layers; rope_parameters; an epsilon that shows; f32; 300 tokens cross a block of keys",
        "seed": 3303,
        "tokens": 300,
        "dtype": "f32",
        "text": text_config(
            num_hidden_layers=4, mlp_only_layers=[0, 2], hidden_size=40, intermediate_size=72, vocab_size=80,
            num_attention_heads=3, num_key_value_heads=1, head_dim=24, rms_norm_eps=1e-3, norm_topk_prob=None,
            decoder_sparse_step=None, hidden_act=None, rope_theta=None,
            rope_parameters={"rope_type": "default", "rope_theta": 20000.0}),
    },
    "qwen3_moe_forms": {
        "why": "the same weights in every form on disk",
        "seed": 3404,
        "tokens": 150,
        "dtype": "bf16",
        "also": ALSO,
        "text": text_config(hidden_size=40, vocab_size=53, num_hidden_layers=2),
    },
    "yarn_qwen3_moe": {
        "why": "YaRN by rope_scaling, as model cards tell to write it; tokens past the original length",
        "seed": 3606,
        "tokens": 150,
        "dtype": "bf16",
        "text": text_config(
            hidden_size=40, vocab_size=53, num_hidden_layers=2, head_dim=48, rope_theta=10000.0,
            moe_intermediate_size=16, max_position_embeddings=160,
            rope_scaling={"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 40}),
    },
}


QUANTIZED = {
    "qwen3_moe_q4_g64": {
        "why": "4 bits; a dense layer", "seed": 3501, "bits": 4, "group": 64, "dtype": "bf16",
        "text": text_config(vocab_size=96, mlp_only_layers=[1], intermediate_size=128, moe_intermediate_size=64)},
}
