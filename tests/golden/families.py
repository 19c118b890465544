"""The model families: their classes in transformers, and how their checkpoints are published."""

import dataclasses
import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("USE_HUB_KERNELS", "0")  # the plain torch path, never a downloaded kernel

import transformers


@dataclasses.dataclass(frozen=True)
class Family:
    config: type  # config class of the text model
    model: type  # the class ...ForCausalLM
    # Experts on disk. True: one matrix per expert. False: fused, as transformers holds them.
    per_expert: bool = False
    # True: RMSNorm multiplies by w. False: by 1 + w. linear_attn.norm multiplies by w in every family.
    plain_norms: bool = False
    # The vision wrapper in which the family is published. None: the text config is the root of config.json.
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
    """Returns the family of a text config by its model_type."""
    return FAMILIES[text["model_type"]]
