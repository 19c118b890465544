"""Muon for the matrices of the layers, AdamW for the rest. Both update f32 masters; the model itself holds the weights
that an engine would read.

The gradient is taken at the quantized weights and moves the masters. This is the straight-through estimator, and the
model needs no code for it.
"""

import torch

import fake_quant

MOMENTUM, NEWTON_SCHULZ, NORM_EPSILON = 0.95, (3.4445, -4.7750, 2.0315), 1e-7


def is_layer_matrix(name, parameter):
    small = ("embed_tokens.weight", "gate.weight", "in_proj_a.weight", "in_proj_b.weight", "conv1d.weight")
    return parameter.dim() >= 2 and not name.endswith(small)


def orthogonalized(matrices):
    """Takes five Newton-Schulz steps towards the nearest orthogonal matrices. matrices is [M, rows, columns]."""
    a, b, c = NEWTON_SCHULZ
    tall = matrices.shape[-2] > matrices.shape[-1]
    x = matrices.transpose(-1, -2) if tall else matrices
    x = (x / (x.norm(dim=(-2, -1), keepdim=True) + NORM_EPSILON)).to(torch.bfloat16)
    for _ in range(5):
        gram = x @ x.transpose(-1, -2)
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.transpose(-1, -2) if tall else x


class Group:
    """Matrices of one shape and one kind of storage, as one tensor [M, rows, columns]."""

    def __init__(self, named):
        self.parameters = [p for _, p in named]
        self.name = named[0][0]
        self.master = self.gather([p.detach() for p in self.parameters])
        self.momentum = torch.zeros_like(self.master)

    def gather(self, tensors):
        return torch.cat([t.reshape(-1, *t.shape[-2:]) for t in tensors])

    def step(self, lr, decay):
        gradient = self.gather([p.grad for p in self.parameters])
        self.momentum.lerp_(gradient, 1 - MOMENTUM)
        update = orthogonalized(gradient.lerp(self.momentum, MOMENTUM))
        rows, columns = self.master.shape[-2:]
        self.master.mul_(1 - lr * decay).add_(update, alpha=-lr * max(1.0, rows / columns) ** 0.5)

    def write(self, quantized):
        values = fake_quant.stored(self.name, self.master) if quantized else self.master
        at = 0
        for p in self.parameters:
            count = p.numel() // (p.shape[-1] * p.shape[-2])
            p.copy_(values[at : at + count].view_as(p))
            at += count


class Optimizer:
    def __init__(self, named, muon_lr, adam_lr):
        self.rates = muon_lr, adam_lr
        by_shape = {}
        for name, p in named.items():
            if is_layer_matrix(name, p):
                by_shape.setdefault((p.shape[-2:], fake_quant.bits_of(name, p)), []).append((name, p))
        self.groups = [Group(members) for members in by_shape.values()]
        self.others = [(name, p, p.detach().clone().requires_grad_()) for name, p in named.items()
                       if not is_layer_matrix(name, p)]
        self.adam = torch.optim.AdamW([master for *_, master in self.others], lr=adam_lr, betas=(0.9, 0.95),
                                      weight_decay=0.0)

    @torch.no_grad()
    def step(self, scale, quantized):
        for group in self.groups:
            group.step(self.rates[0] * scale, decay=0.05)
        for _, p, master in self.others:
            master.grad = p.grad
        for group in self.adam.param_groups:
            group["lr"] = self.rates[1] * scale
        self.adam.step()
        self.write(quantized)

    @torch.no_grad()
    def write(self, quantized):
        for group in self.groups:
            group.write(quantized)
        for name, p, master in self.others:
            p.copy_(fake_quant.stored(name, master) if quantized else master)

    def state(self):
        return {"groups": [(group.master, group.momentum) for group in self.groups],
                "others": [master.detach() for *_, master in self.others], "adam": self.adam.state_dict()}

    @torch.no_grad()
    def load(self, state):
        for group, (master, momentum) in zip(self.groups, state["groups"], strict=True):
            group.master.copy_(master)
            group.momentum.copy_(momentum)
        for (*_, master), saved in zip(self.others, state["others"], strict=True):
            master.copy_(saved)
        self.adam.load_state_dict(state["adam"])
