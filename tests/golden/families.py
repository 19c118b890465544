"""The families: what transformers calls their classes, and how their checkpoints are published."""

import dataclasses
import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("USE_HUB_KERNELS", "0")  # the plain torch path, never a downloaded kernel

import transformers


@dataclasses.dataclass(frozen=True)
class Family:
    config: type  # of the text model
    model: type  # ... ForCausalLM
    # Experts on disk: one matrix an expert, or fused as transformers holds them.
    per_expert: bool = False
    # RMSNorm multiplies by w and not by 1 + w; linear_attn.norm does so everywhere.
    plain_norms: bool = False
    # The vision wrapper that the family is published in; None: text at the root of config.json.
    wrapper: type | None = None
    wrapper_config: type | None = None


FAMILIES = {
    "qwen3_5_moe_text": Family(
        transformers.Qwen3_5MoeTextConfig, transformers.Qwen3_5MoeForCausalLM,
        wrapper=transformers.Qwen3_5MoeForConditionalGeneration, wrapper_config=transformers.Qwen3_5MoeConfig),
    "qwen3_next": Family(transformers.Qwen3NextConfig, transformers.Qwen3NextForCausalLM, per_expert=True),
    "qwen3_moe": Family(
        transformers.Qwen3MoeConfig, transformers.Qwen3MoeForCausalLM, per_expert=True, plain_norms=True),
    "qwen3_5_text": Family(
        transformers.Qwen3_5TextConfig, transformers.Qwen3_5ForCausalLM,
        wrapper=transformers.Qwen3_5ForConditionalGeneration, wrapper_config=transformers.Qwen3_5Config),
}


def family_of(text):
    """text: a text config; its model_type decides."""
    return FAMILIES[text["model_type"]]
