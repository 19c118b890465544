"""Computes logits by transformers' own classes: fp32, one thread, eager attention, eager experts, the torch delta
rule."""

import copy
import dataclasses

import torch
import transformers

from families import family_of

torch.set_num_threads(1)
torch.use_deterministic_algorithms(True)


def build(text):
    """Returns a model of this text config. Its parameters are fp32 and not yet the right ones."""
    family = family_of(text)
    config = family.config(**copy.deepcopy({k: v for k, v in text.items() if v is not None}))
    config._attn_implementation = "eager"
    config._experts_implementation = "eager"
    return family.model(config).float().eval()


def parameter_shapes(text):
    """Returns the names and shapes that transformers gives this config's tensors on disk."""
    with torch.device("meta"):
        model = build(text)
    tied = {"lm_head.weight"} if text["tie_word_embeddings"] else set()
    return [(name, p.shape) for name, p in model.state_dict().items() if name not in tied]


@dataclasses.dataclass
class Run:
    logits: torch.Tensor  # f32 [T, V]
    residuals: torch.Tensor  # f32 [L, T, D], after each layer
    chosen: list  # per layer of experts, i64 [T, top_k]
    router_gap: float  # smallest distance between the last logit chosen and the first left out


class Routing:
    """Hooks the routers of decoder layers and keeps what they chose."""

    def __init__(self, layers):
        self.chosen, self.gap = [], float("inf")
        for layer in layers:
            if hasattr(layer.mlp, "gate"):  # the layer has experts
                layer.mlp.gate.register_forward_hook(self.record)

    def record(self, module, inputs, outputs):
        logits, _, ids = outputs
        self.chosen.append(ids)
        if module.top_k < module.num_experts:
            ordered = logits.sort(dim=-1, descending=True).values
            self.gap = min(self.gap, (ordered[:, module.top_k - 1] - ordered[:, module.top_k]).min().item())


def load(text, tensors):
    """Returns a model with these tensors. They have transformers' names and any float dtype, and are widened to f32."""
    model = build(text)
    state = {name: tensor.float() for name, tensor in tensors.items()}
    if text["tie_word_embeddings"]:
        state["lm_head.weight"] = state["model.embed_tokens.weight"]
    model.load_state_dict(state, strict=True)
    return model


@torch.no_grad()
def run(text, tensors, tokens):
    """Runs one pass over tokens i32 [T]. It uses the chunked form of the delta rule."""
    model = load(text, tensors)
    routing, residuals = Routing(model.model.layers), []
    for layer in model.model.layers:
        layer.register_forward_hook(lambda module, inputs, output: residuals.append(output[0]))
    logits = model(input_ids=tokens.long()[None], use_cache=False).logits[0]
    return Run(logits, torch.stack(residuals), routing.chosen, routing.gap)


@torch.no_grad()
def run_stepwise(text, tensors, tokens):
    """Computes the logits of run() token by token. It uses the recurrent form of the delta rule, and the caches.

    Returns None for a model without full attention, because transformers' cache cannot tell its length.
    """
    model = load(text, tensors)
    if "full_attention" not in getattr(model.config, "layer_types", ["full_attention"]):
        return None
    cache, rows = None, []
    for token in tokens.long():
        output = model(input_ids=token[None, None], past_key_values=cache, use_cache=True)
        cache = output.past_key_values
        rows.append(output.logits[0, 0])
    return torch.stack(rows)


@torch.no_grad()
def run_directory(directory, architecture, tokens):
    """Returns the logits of a checkpoint directory that transformers opens by itself. They prove that the files are
    right."""
    model = getattr(transformers, architecture).from_pretrained(
        directory, dtype=torch.float32, attn_implementation="eager", experts_implementation="eager").eval()
    return model(input_ids=tokens.long()[None], use_cache=False).logits[0]
