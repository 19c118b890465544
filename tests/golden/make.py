#!/usr/bin/env python3
"""Makes the golden checkpoints and logits: checkpoints/<name>/ and expected/<name>.safetensors.

    pip install -r tests/golden/requirements.txt
    python3 tests/golden/make.py          writes every file again with the same bytes, and prints a table

expected/<name>.safetensors holds tokens i32 [T] and logits f32 [T, V], by transformers in fp32. For a quantized
checkpoint, logits come from the dequantized weights, and there is also mlx_logits f32 [T, V], by mlx-lm with everything
cast to f32. For a checkpoint with a draft head there is also mtp_logits f32 [T-1, V], by transformers (mtp_oracle.py).
"""

import argparse
import shutil
import tempfile
from pathlib import Path

import transformers

import dequantize
import files
import forms
import mlx_oracle
import mtp_oracle
import shapes
import shapes_mtp
import transformers_oracle
import weights

# With a smaller gap, a rounding difference could pick another expert, and a right engine would fail.
SMALLEST_ROUTER_GAP = 2e-4
LARGEST_CHECKPOINT_BYTES = 1_000_000
LARGEST_DISTANCE_OF_ORACLES = 3e-4


def distance(a, b):
    return (a - b).abs().max().item()


def check(name, directory, run):
    std, size = run.logits.std().item(), sum(path.stat().st_size for path in directory.iterdir())
    assert 0.5 < std < 2.0, f"{name}: logits have a standard deviation of {std}"
    assert run.router_gap > SMALLEST_ROUTER_GAP, f"{name}: two experts tie within {run.router_gap}"
    assert size <= LARGEST_CHECKPOINT_BYTES, f"{name}: {size} bytes"
    return std, size


def check_directory(directory, tokens, logits):
    """Checks that transformers computes the same logits from nothing but the directory."""
    architecture = files.read_json(directory / "config.json")["architectures"][0]
    away = distance(transformers_oracle.run_directory(directory, architecture, tokens), logits)
    assert away < 1e-5, f"{directory.name}: transformers reads another model from it, {away} away"


def uses(run, text):
    """Returns how many tokens each expert gets in the first layer that has experts."""
    return run.chosen[0].flatten().bincount(minlength=text["num_experts"]).tolist() if run.chosen else []


def make_plain(root, name, shape):
    text, tokens = shape["text"], weights.tokens(shape, shape["tokens"])
    tensors = weights.make(transformers_oracle.parameter_shapes(text), shape)
    directory = root / "checkpoints" / name
    forms.write_published(directory, shape, tensors)
    run = transformers_oracle.run(text, tensors, tokens)
    std, size = check(name, directory, run)
    check_directory(directory, tokens, run.logits)
    counts = uses(run, text)
    for expert in shape.get("favourite", ()):
        assert counts[expert] == len(tokens), f"{name}: expert {expert} has {counts[expert]} tokens"
    for expert in shape.get("shunned", ()):
        assert counts[expert] == 0, f"{name}: expert {expert} has {counts[expert]} tokens"
    stepwise = transformers_oracle.run_stepwise(text, tensors, tokens)
    files.write_expected(root / "expected" / f"{name}.safetensors", tokens=tokens, logits=run.logits)
    other = "-" if stepwise is None else f"{distance(run.logits, stepwise):.1e}"
    print(f"{name:22} {size:7} bytes  std {std:.3f}  router gap {run.router_gap:.1e}  "
          f"chunked - stepwise {other}  {counts}")
    return tensors, tokens, run.logits


def make_forms(root, base, tensors, tokens, logits):
    checkpoints, shape = root / "checkpoints", shapes.PLAIN[base]
    for form, write in forms.FORMS[base].items():
        directory = checkpoints / f"{base}_{form}"
        write(directory, shape, tensors)
        if form not in forms.NOT_FOR_TRANSFORMERS:
            check_directory(directory, tokens, logits)
    source = checkpoints / (f"{base}_wrapper" if "wrapper" in forms.FORMS[base] else base)
    make_mlx_form(source, checkpoints / f"{base}_mlx", shape["text"], tensors, tokens, logits)


def make_mlx_form(source, directory, text, tensors, tokens, logits):
    """Makes mlx-lm's own conversion. It must hold the same numbers, and mlx-lm must compute the same logits from it."""
    mlx_oracle.convert(source, directory)
    read_back = dequantize.transformers_tensors(directory, text, transformers_oracle.parameter_shapes(text))
    assert all((read_back[name] == tensor.float()).all() for name, tensor in tensors.items()), "the conversion rounds"
    away = distance(mlx_oracle.logits(directory, tokens), logits)
    print(f"{directory.name:22} transformers - mlx-lm {away:.1e}")
    assert away < LARGEST_DISTANCE_OF_ORACLES, f"{directory.name}: mlx-lm computes another model"


def make_mtp(root, name, shape):
    """Makes a checkpoint with a draft head, and the logits of the model and of the head."""
    text, tokens = shape["text"], weights.tokens(shape, shape["tokens"])
    tensors = weights.make(transformers_oracle.parameter_shapes(text), shape)
    head = weights.make(mtp_oracle.parameter_shapes(text), shape)
    directory = root / "checkpoints" / name
    write = forms.write_wrapper if shape.get("wrapper") else forms.write_published
    write(directory, shape, tensors | head)
    run = transformers_oracle.run(text, tensors, tokens)
    check(name, directory, run)
    check_directory(directory, tokens, run.logits)
    mtp_logits, stepwise, gap = mtp_oracle.run(text, tensors, head, tokens)
    assert gap > SMALLEST_ROUTER_GAP, f"{name}: two experts of the head tie within {gap}"
    files.write_expected(
        root / "expected" / f"{name}.safetensors", tokens=tokens, logits=run.logits, mtp_logits=mtp_logits)
    print(f"{name:22} std {run.logits.std().item():.3f}, of the head {mtp_logits.std().item():.3f}  router gap "
          f"{run.router_gap:.1e}, {gap:.1e}  one pass - stepwise {distance(mtp_logits, stepwise):.1e}")
    return head


def make_heads_apart(root, base, head):
    """Writes the head of `base` to directories of its own, and the model as mlx-lm converts it: without the head."""
    source = root / "checkpoints" / base
    forms.write_head_hf(source.with_name(f"{base}_head_hf"), source, head)
    forms.write_head_mlx(source.with_name(f"{base}_head_mlx"), source, head)
    mlx_oracle.convert(source, source.with_name(f"{base}_mlx"))


def make_quantized(root, name, shape):
    text, tokens = shape["text"], weights.tokens(shape, shapes.QUANTIZED_TOKENS)
    names_and_shapes = transformers_oracle.parameter_shapes(text)
    directory = root / "checkpoints" / name
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "source"
        forms.write_convertible(source, shape, weights.make(names_and_shapes, shape))
        mlx_oracle.quantize(source, directory, shape)
    run = transformers_oracle.run(text, dequantize.transformers_tensors(directory, text, names_and_shapes), tokens)
    std, size = check(name, directory, run)
    mlx_logits = mlx_oracle.logits(directory, tokens)
    away = distance(run.logits, mlx_logits)
    assert away < LARGEST_DISTANCE_OF_ORACLES, f"{name}: the oracles are {away} apart"
    files.write_expected(
        root / "expected" / f"{name}.safetensors", tokens=tokens, logits=run.logits, mlx_logits=mlx_logits)
    print(f"{name:22} {size:7} bytes  std {std:.3f}  router gap {run.router_gap:.1e}  "
          f"transformers - mlx-lm {away:.1e}")


def make_per_expert_quantized(root):
    source = root / "checkpoints" / "q3_g64"
    config = files.read_json(source / "config.json")
    forms.per_expert_quantized(source, root / "checkpoints" / "q3_g64_per_expert", config)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="default: beside this file")
    root = parser.parse_args().out
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    for folder in ("checkpoints", "expected"):
        shutil.rmtree(root / folder, ignore_errors=True)
    plain = {name: make_plain(root, name, shape) for name, shape in shapes.PLAIN.items()}
    for base in forms.FORMS:
        make_forms(root, base, *plain[base])
    heads = {name: make_mtp(root, name, shape) for name, shape in shapes_mtp.MTP.items()}
    make_heads_apart(root, "mtp_qwen3_5_moe", heads["mtp_qwen3_5_moe"])
    for name, shape in shapes.QUANTIZED.items():
        make_quantized(root, name, shape)
    make_per_expert_quantized(root)


if __name__ == "__main__":
    main()
