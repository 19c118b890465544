"""Measures the tokens per second of the forward and backward pass of training: with transformers as it is, with its
inner functions replaced, and compiled."""

import argparse
import time

import torch

import model as demo

WARM, TIMED = 3, 8


def speed(model, losses, rows, length):
    device = "cuda" if torch.cuda.is_available() else "cpu"
    ids = torch.randint(0, 2000, (rows, length), device=device)
    segments = torch.ones_like(ids)
    segments[:, length // 2 - 3 : length // 2] = 0
    weights = torch.ones(rows, length, device=device)
    for i in range(WARM + TIMED):
        if i == WARM:
            torch.cuda.synchronize()
            began = time.monotonic()
        with torch.autocast(device, torch.bfloat16):
            total = sum(losses(model, ids, segments, weights))
        total.backward()
        model.zero_grad(set_to_none=True)
    torch.cuda.synchronize()
    return TIMED * rows * length / (time.monotonic() - began)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[128])
    parser.add_argument("--length", type=int, default=512)
    options = parser.parse_args()
    text = demo.text_config(tiny=False)
    print(f"transformers as it is: {speed(demo.Model(text).cuda().train(), demo.losses, 32, options.length):.0f}",
          flush=True)
    demo.make_fast()
    for rows in options.rows:
        model = demo.Model(text).cuda().train()
        print(f"replaced, {rows} rows: {speed(model, demo.losses, rows, options.length):.0f}", flush=True)
    began = time.monotonic()
    for layer in [*model.main.model.layers, model.mtp.mtp_block]:
        layer.compile()
    losses = torch.compile(demo.losses)
    for rows in reversed(options.rows):
        print(f"compiled, {rows} rows: {speed(model, losses, rows, options.length):.0f}"
              f" ({time.monotonic() - began:.0f} s with compiling)", flush=True)
        print(f"{torch.cuda.max_memory_allocated() / 2**30:.1f} GiB", flush=True)


if __name__ == "__main__":
    main()
