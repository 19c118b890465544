"""Trains the model in runs of some minutes. Each run continues where the last one ended.

  python3 train.py --work DIR [--steps N] [--minutes M]     DIR/tokenizer.json must be there
"""

import argparse
import json
import multiprocessing
import pathlib
import time

import torch
from safetensors.torch import load_file, save_file

import model as demo
import optimizer
import pack
import score
import text

DRAFT_WEIGHT = 0.3
WARMUP, LAST_RATE = 100, 0.02
SHARD_BYTES = 15 * 2**20


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=pathlib.Path, required=True, help="tokenizer, state and results")
    parser.add_argument("--out", type=pathlib.Path, help="where the weights go [DIR/weights]")
    parser.add_argument("--steps", type=int, default=6000, help="of the whole training")
    parser.add_argument("--minutes", type=float, default=9.0, help="most minutes of this run")
    parser.add_argument("--rows", type=int, default=128)
    parser.add_argument("--length", type=int, default=512)
    parser.add_argument("--muon-lr", type=float, default=0.02)
    parser.add_argument("--adam-lr", type=float, default=0.003)
    parser.add_argument("--decay-from", type=float, default=0.5, help="share of the steps before the rate falls")
    parser.add_argument("--quantized-from", type=float, default=0.65, help="share of the steps in plain f32")
    parser.add_argument("--init", type=pathlib.Path, help="start from these exported weights, with a new optimizer")
    parser.add_argument("--workers", type=int, default=12)
    parser.add_argument("--score-every", type=int, default=500)
    parser.add_argument("--tiny", action="store_true", help="a model for tests")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--stop-at", type=int, help="end this run after that step")
    return parser.parse_args()


def feed(tokenizer, rows, length, seed, queue):
    packer = pack.Packer(text.Encoder(tokenizer), rows, length, seed)
    while True:
        queue.put(packer.batch())


def start_workers(options, first_seed):
    context = multiprocessing.get_context("fork")
    queue = context.Queue(maxsize=2 * options.workers)
    for i in range(options.workers):
        context.Process(target=feed, daemon=True, args=(options.work / "tokenizer.json", options.rows, options.length,
                                                        first_seed + i, queue)).start()
    return queue


def rate(step, steps, decay_from):
    """Returns the learning rate as a share of its maximum: a warm-up, a plateau, then a straight line down."""
    left = (1 - step / steps) / (1 - decay_from)
    return min(1.0, (step + 1) / WARMUP, max(LAST_RATE, left))


@torch.no_grad()
def load_weights(named, directory):
    for part in sorted(directory.glob("part-*.safetensors")):
        for name, tensor in load_file(part).items():
            named[name].copy_(tensor)


class Training:
    def __init__(self, options):
        self.options = options
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        torch.manual_seed(7)
        demo.make_fast()
        self.model = demo.Model(demo.text_config(options.tiny)).to(self.device).train()
        self.named = demo.published(self.model)
        if options.init:
            load_weights(self.named, options.init)
        self.optimizer = optimizer.Optimizer(self.named, options.muon_lr, options.adam_lr)
        self.step, self.log = 0, []
        self.state_file = options.work / "state.pt"
        if self.state_file.exists():
            state = torch.load(self.state_file, map_location=self.device)
            self.step, self.log = state["step"], state["log"]
            self.optimizer.load(state["optimizer"])
        self.optimizer.write(self.quantized())
        if options.compile:
            for layer in [*self.model.main.model.layers, self.model.mtp.mtp_block]:
                layer.compile()
        self.losses = torch.compile(demo.losses) if options.compile else demo.losses

    def quantized(self):
        return self.step >= self.options.quantized_from * self.options.steps

    def update(self, batch):
        ids, segments, weights = (torch.from_numpy(part).to(self.device, non_blocking=True) for part in batch)
        with torch.autocast(self.device, torch.bfloat16, enabled=self.device == "cuda"):
            main, draft = self.losses(self.model, ids.long(), segments, weights.float())
        (main + DRAFT_WEIGHT * draft).backward()
        self.step += 1
        self.optimizer.step(rate(self.step, self.options.steps, self.options.decay_from), self.quantized())
        for parameter in self.named.values():
            parameter.grad = None
        return main.detach(), draft.detach()

    def save(self):
        torch.save({"step": self.step, "log": self.log, "optimizer": self.optimizer.state()}, self.state_file)

    def export(self, directory):
        """Writes the masters in bf16, under their published names, in small files. Quantization starts from them."""
        directory.mkdir(parents=True, exist_ok=True)
        self.optimizer.write(quantized=False)
        shards, size = [{}], 0
        for name, parameter in self.named.items():
            tensor = parameter.detach().to("cpu", torch.bfloat16).contiguous()
            if size + tensor.nbytes > SHARD_BYTES:
                shards, size = [*shards, {}], 0
            shards[-1][name] = tensor
            size += tensor.nbytes
        for i, shard in enumerate(shards):
            save_file(shard, directory / f"part-{i}.safetensors")
        (directory / "log.json").write_text(json.dumps(self.log, indent=1))
        self.optimizer.write(self.quantized())


def report(training, held_out, seconds, main, draft):
    rows = score.table(training.model, held_out, training.device)
    training.log.append({"step": training.step, "seconds": round(seconds, 1), "loss": main, "draft": draft,
                         "held_out": rows})
    print(f"step {training.step} {seconds:.0f}s loss {main:.4f} draft {draft:.4f}\n  {score.line(rows)}", flush=True)


def main():
    options = arguments()
    training = Training(options)
    print(f"{sum(p.numel() for p in training.named.values()) / 1e6:.2f} M parameters, from step {training.step}",
          flush=True)
    queue = start_workers(options, first_seed=1000 * (training.step + 1))
    held_out = score.batches(text.Encoder(options.work / "tokenizer.json"), options.length,
                             rows=2 if options.tiny else score.ROWS)
    began, last = time.monotonic(), min(options.steps, options.stop_at or options.steps)
    mark, marked = began, training.step
    while training.step < last and time.monotonic() - began < 60 * options.minutes:
        main_loss, draft_loss = training.update(queue.get())
        if training.step % 50 == 0:
            values = main_loss.item(), draft_loss.item()
            speed = (training.step - marked) * options.rows * options.length / (time.monotonic() - mark)
            print(f"{training.step} {values[0]:.4f} {values[1]:.4f} {speed / 1e3:.0f}k tokens/s {queue.qsize()}",
                  flush=True)
            mark, marked = time.monotonic(), training.step
        if training.step % options.score_every == 0:
            report(training, held_out, time.monotonic() - began, main_loss.item(), draft_loss.item())
            mark, marked = time.monotonic(), training.step
    if training.step % options.score_every:
        report(training, held_out, time.monotonic() - began, main_loss.item(), draft_loss.item())
    training.save()
    training.export(options.out or options.work / "weights")


if __name__ == "__main__":
    main()
