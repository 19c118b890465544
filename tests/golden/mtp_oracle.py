"""Draft heads (mtp.*): their parameters under published names, and their logits by transformers' own MtpLayer.

transformers has the layer but runs it for other families only. The layer concatenates the embedding, then the hidden
state. The hidden state is the one after the final norm, because that is what transformers' generation passes to it.
"""

import copy

import torch
from transformers import DynamicCache
from transformers.masking_utils import create_causal_mask
from transformers.modeling_layers import MtpLayer

import transformers_oracle

PUBLISHED = {"enorm": "pre_fc_norm_embedding", "hnorm": "pre_fc_norm_hidden", "eh_proj": "fc", "mtp_block": "layers.0",
             "post_norm": "norm"}


def published_name(name):
    part, _, rest = name.partition(".")
    return f"mtp.{PUBLISHED[part]}.{rest}"


def build(model):
    """Builds the head of a model: one layer of the model's kind, always with full attention, with experts if the model
    has any."""
    config = copy.deepcopy(model.config)
    config.num_hidden_layers = 1
    config.layer_types = ["full_attention"]
    config.mlp_only_layers, config.decoder_sparse_step = [], 1
    return MtpLayer(config, type(model.model.layers[0]), type(model.model.norm), layer_idx=0).float().eval()


def parameter_shapes(text):
    """Returns the names and shapes on disk, with experts fused."""
    with torch.device("meta"):
        head = build(transformers_oracle.build(text))
    return [(published_name(name), p.shape) for name, p in head.state_dict().items()]


def load(model, tensors):
    head = build(model)
    head.load_state_dict({name: tensors[published_name(name)].float() for name in head.state_dict()}, strict=True)
    return head


def step(model, head, embeddings, hidden, first, cache):
    """Returns rows of logits for pairs of a hidden state and the next token's embedding, each f32 [1, n, D]."""
    positions = torch.arange(first, first + embeddings.shape[1])[None]
    mask = create_causal_mask(config=head.config, inputs_embeds=embeddings, attention_mask=None,
                              past_key_values=cache, position_ids=positions)
    out = head(embeddings, hidden, position_embeddings=model.model.rotary_emb(embeddings, positions),
               attention_mask=mask, position_ids=positions, past_key_values=cache)
    return model.lm_head(out)[0]


@torch.no_grad()
def run(text, tensors, head_tensors, tokens):
    """Returns the logits f32 [T-1, V] of one pass, the logits of one token after another over the head's own cache, and
    the router gap."""
    model = transformers_oracle.load(text, tensors)
    head = load(model, head_tensors)
    routing = transformers_oracle.Routing([head.mtp_block])
    hidden = model.model(input_ids=tokens.long()[None], use_cache=False).last_hidden_state[:, :-1]
    embeddings = model.model.embed_tokens(tokens.long()[None, 1:])
    logits = step(model, head, embeddings, hidden, 0, None)
    cache = DynamicCache(config=head.config)
    rows = [step(model, head, embeddings[:, t : t + 1], hidden[:, t : t + 1], t, cache)
            for t in range(len(tokens) - 1)]
    return logits, torch.cat(rows), routing.gap
