#!/usr/bin/env python3
"""Makes tests/golden/sampling/warpers.json: the tokens that the logits processors of transformers leave, and their
probabilities.

    python3 tests/golden/make_sampling.py        needs: torch, transformers

A case has logits [V], the ids seen, the settings, and the ids of the tokens left with their probabilities, the
likeliest first. The processors run in the order of transformers' own generate(). They run over float64 copies of f32
logits and settings, so that their rounding plays no part. A case is drawn again when its tokens change while top_p or
min_p moves by 1e-4 of itself, because there rounding may decide. No two logits are equal, because transformers keeps
all equals of the last of top-k.
"""

import json
from pathlib import Path

import numpy as np
import torch
from transformers.generation.logits_process import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

CASES = 80
VOCABS = (1, 2, 7, 40)
SETTINGS = {
    "temperature": (1.0, 0.6, 0.7, 1.5, 0.1),
    "top_k": (0, 0, 1, 3, 20, 100),
    "top_p": (1.0, 0.95, 0.8, 0.3),
    "min_p": (0.0, 0.0, 0.05, 0.2),
    "repetition_penalty": (1.0, 1.0, 1.05, 1.5, 0.8),
}


def f32(value):
    return float(np.float32(value))


def processors(settings):
    steps = LogitsProcessorList()
    if settings["repetition_penalty"] != 1.0:
        steps.append(RepetitionPenaltyLogitsProcessor(settings["repetition_penalty"]))
    if settings["temperature"] != 1.0:
        steps.append(TemperatureLogitsWarper(settings["temperature"]))
    if settings["top_k"] != 0:
        steps.append(TopKLogitsWarper(settings["top_k"]))
    if settings["top_p"] < 1.0:
        steps.append(TopPLogitsWarper(settings["top_p"]))
    if settings["min_p"] > 0.0:
        steps.append(MinPLogitsWarper(settings["min_p"]))
    return steps


def left(logits, seen, settings):
    scores = torch.tensor([logits], dtype=torch.float64)
    scores = processors(settings)(torch.tensor([seen], dtype=torch.int64), scores)
    probabilities = torch.softmax(scores, dim=-1)[0].tolist()
    ids = [i for i in range(len(logits)) if scores[0, i] > -float("inf")]
    return sorted(((i, probabilities[i]) for i in ids), key=lambda token: -token[1])


def is_firm(logits, seen, settings, tokens):
    for name in ("top_p", "min_p"):
        for factor in (1 - 1e-4, 1 + 1e-4):
            moved = dict(settings, **{name: min(settings[name] * factor, 1.0)})
            if [i for i, _ in left(logits, seen, moved)] != [i for i, _ in tokens]:
                return False
    return True


def make_case(rng):
    while True:
        vocab = int(rng.choice(VOCABS))
        logits = [f32(x) for x in rng.standard_normal(vocab) * rng.choice((0.5, 2.0, 5.0))]
        seen = [int(i) for i in rng.integers(0, vocab, rng.integers(1, 20))]
        settings = {name: rng.choice(values).item() for name, values in SETTINGS.items()}
        settings = {name: value if name == "top_k" else f32(value) for name, value in settings.items()}
        tokens = left(logits, seen, settings)
        if is_firm(logits, seen, settings, tokens):
            return {
                "logits": logits,
                "seen": seen,
                "settings": settings,
                "ids": [i for i, _ in tokens],
                "probabilities": [float(f"{p:.12g}") for _, p in tokens],
            }


def main():
    rng = np.random.default_rng(1)
    cases = [make_case(rng) for _ in range(CASES)]
    out = Path(__file__).parent / "sampling" / "warpers.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
    print(f"{out}: {len(cases)} cases, {out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
