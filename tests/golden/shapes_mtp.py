"""Shapes with a draft head, one for each family that has draft heads."""

import shapes_qwen3_5
import shapes_qwen3_5_moe
import shapes_qwen3_next

# Text-only exports keep these keys. qwen3_next has no key that says whether there is a head.
ALSO = {"mtp_num_hidden_layers": 1, "mtp_use_dedicated_embeddings": False}

MTP = {
    "mtp_qwen3_5_moe": {
        "why": "as published: vision wrapper, fused experts, in the head too; heads that lie apart are split off it",
        "seed": 5101,
        "tokens": 100,
        "dtype": "bf16",
        "wrapper": True,
        "text": shapes_qwen3_5_moe.text_config(
            full_attention_interval=2, hidden_size=40, vocab_size=53, moe_intermediate_size=16,
            shared_expert_intermediate_size=24, linear_num_value_heads=4, linear_key_head_dim=16,
            linear_value_head_dim=16),
    },
    "mtp_qwen3_next": {
        "why": "one matrix an expert, in the head too; weights of experts not renormalised",
        "seed": 5202,
        "tokens": 100,
        "dtype": "bf16",
        "text": shapes_qwen3_next.text_config(
            full_attention_interval=2, num_hidden_layers=2, hidden_size=40, vocab_size=53, norm_topk_prob=False,
            num_attention_heads=4, num_key_value_heads=2),
    },
    "mtp_qwen3_5": {
        "why": "a dense layer in the head; embeddings tied, which the head shares; f16",
        "seed": 5303,
        "tokens": 100,
        "dtype": "f16",
        "also": ALSO,
        "text": shapes_qwen3_5.text_config(
            full_attention_interval=2, hidden_size=40, vocab_size=53, tie_word_embeddings=True,
            linear_num_value_heads=6, linear_key_head_dim=16, linear_value_head_dim=16),
    },
}
