"""Scores on held-out documents during training: the loss, the share of answers that are right to the last token, and
the share of drafts that agree with the model."""

import torch

import dialogs
import model as demo
import pack

ROWS = 24


def batches(encoder, length, rows=ROWS):
    """Returns {kind: (ids, segments, weights)} of documents that training never draws."""
    made = {}
    for i, kind in enumerate(dialogs.MIX):
        parts = pack.Packer(encoder, rows, length, 10_000 + i, held_out=True, kind=kind).batch()
        made[kind] = tuple(torch.from_numpy(part) for part in parts)
    return made


def right_documents(right, counted, segments):
    """Returns the share of documents whose counted tokens are all right."""
    most = int(segments.max()) + 1
    documents = segments.long() + torch.arange(len(segments), device=segments.device)[:, None] * most
    wrong = torch.zeros(len(segments) * most, device=segments.device)
    wrong.index_add_(0, documents.flatten(), (counted & ~right).float().flatten())
    present = torch.zeros_like(wrong)
    present.index_add_(0, documents.flatten(), counted.float().flatten())
    return ((wrong == 0) & (present > 0)).sum().item() / max(1, (present > 0).sum().item())


@torch.no_grad()
def of_batch(model, ids, segments, weights):
    hidden, places = model.hidden(ids, segments)
    logits, drafts = model.logits(hidden), model.logits(model.draft_hidden(ids, hidden, places))
    next_weights = demo.shifted(weights, segments, 1)
    best, drafted = logits.argmax(-1), drafts.argmax(-1)
    answers = next_weights == 1
    drafts_used = answers & (demo.shifted(weights, segments, 2) == 1)
    agree = drafted == best.roll(-1, dims=1)
    return {"loss": demo.cross_entropy(logits, ids, answers.float(), 1).item(),
            "right": right_documents(best == ids.roll(-1, dims=1), answers, segments),
            "draft": (agree & drafts_used).sum().item() / max(1, drafts_used.sum().item())}


def table(model, held_out, device):
    model.eval()
    rows = {}
    for kind, parts in held_out.items():
        ids, segments, weights = (part.to(device) for part in parts)
        with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
            rows[kind] = of_batch(model, ids.long(), segments, weights.float())
    model.train()
    return rows


def line(rows):
    return "  ".join(f"{kind} {row['loss']:.3f}/{100 * row['right']:.1f}/{100 * row['draft']:.0f}"
                     for kind, row in rows.items())
