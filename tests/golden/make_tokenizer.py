#!/usr/bin/env python3
"""Makes tests/golden/tokenizer/: two small vocabularies, and the ids that the `tokenizers` wheel makes of many texts.

    python3 tests/golden/make_tokenizer.py        needs: tokenizers

qwen2.json, qwen3_5.json    tokenizer.json of byte-level BPE, 2000 merges, with the split pattern and the added tokens of
                            that family; the former spells merges as "a b", the latter as ["a", "b"]
expected.json               `variants`: a file above and what is replaced in it (JSON pointers), with
                              `ids`: of every string of `texts`
                              `random`: for each of BLOCKS blocks, FNV-1a of the ids of the next BLOCK strings
                              `repeated`: for each of `repeated`, [number of ids, FNV-1a]
                            `atoms`: what random strings are made of; tokenizer_texts.py says how
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from tokenizer_texts import ATOMS, REPEATED, Random, adversarial, random_string, training_text
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

OUT = Path(__file__).resolve().parent / "tokenizer"
BLOCKS, BLOCK, SEED = 60, 50, 7
CONTRACTION = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
REST = r"\s*[\r\n]+|\s+(?!\S)|\s+"
PATTERNS = {
    "qwen2": rf"{CONTRACTION}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{REST}",
    "qwen3_5": rf"{CONTRACTION}|[^\r\n\p{{L}}\p{{N}}]?[\p{{L}}\p{{M}}]+|\p{{N}}| ?[^\s\p{{L}}\p{{M}}\p{{N}}]+[\r\n]*|{REST}",
    "llama3": rf"{CONTRACTION}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{REST}",
    # The library has no scanner for these two patterns.
    "foreign": rf"\p{{Lu}}?\p{{Ll}}+|[\p{{L}}\p{{M}}]+|\p{{N}}{{1,2}}|\s*\n|\s+$|\s+|[^\s\p{{L}}\p{{N}}\p{{M}}]{{1,5}}",
    "gaps": r"\p{L}\p{M}*|\s\S",
}
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>",
           "<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>",
           "<|image_pad|>", "<|video_pad|>"]  # fmt: skip
PLAIN = ["<tool_call>", "</tool_call>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|fim_pad|>",
         "<|repo_name|>", "<|file_sep|>", "<tool_response>", "</tool_response>", "<think>", "</think>"]  # fmt: skip
SPEECH = ["<|audio_start|>", "<|audio_end|>", "<tts_pad>", "<tts_text_bos>", "<tts_text_eod>", "<tts_text_bos_single>",
          "<|audio_pad|>"]  # fmt: skip


def split(pattern):
    return {
        "type": "Sequence",
        "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False},
            {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False},
        ],
    }


def train(pattern):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(vocab_size=256 + 2000, initial_alphabet=alphabet, show_progress=False)
    tokenizer.train_from_iterator(training_text(), trainer)
    return json.loads(tokenizer.to_str())


def added_token(id, content, special, normalized=False):
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": normalized, "special": special}
    return {"id": id, "content": content, **flags}


def tokenizer_file(family, added):
    """Returns a tokenizer.json. `added` holds pairs (content, special)."""
    file = train(PATTERNS[family])
    first = len(file["model"]["vocab"])
    file["added_tokens"] = [added_token(first + i, *token) for i, token in enumerate(added)]
    file["pre_tokenizer"] = split(PATTERNS[family])
    if family == "qwen2":
        file["model"]["merges"] = [" ".join(pair) for pair in file["model"]["merges"]]
    return file


def families():
    qwen = [(token, True) for token in SPECIAL] + [(token, False) for token in PLAIN]
    yield "qwen2", tokenizer_file("qwen2", qwen)
    yield "qwen3_5", tokenizer_file("qwen3_5", qwen + [(token, True) for token in SPEECH])


def variants(files):
    """Returns name -> (file, what is replaced in it)."""
    first = len(files["qwen2"]["model"]["vocab"])
    normalized = [added_token(first + i, content, special=False, normalized=True) for i, content in enumerate(("cafe\u0301<x>", "<think>", "<x>"))]
    gpt2 = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {
        "qwen2": ("qwen2", {}),
        "qwen3_5": ("qwen3_5", {}),
        "plain": ("qwen2", {"/added_tokens": []}),
        "gpt2": ("qwen2", {"/pre_tokenizer": gpt2, "/normalizer": None}),
        "llama3": ("qwen3_5", {"/pre_tokenizer": split(PATTERNS["llama3"]), "/model/ignore_merges": True}),
        "foreign": ("qwen2", {"/pre_tokenizer": split(PATTERNS["foreign"])}),
        "gaps": ("qwen2", {"/pre_tokenizer": split(PATTERNS["gaps"])}),
        "normalized": ("qwen2", {"/added_tokens": normalized}),
    }


def replaced(file, changes):
    copy = json.loads(json.dumps(file))
    for pointer, value in changes.items():
        *path, last = pointer.split("/")[1:]
        node = copy
        for key in path:
            node = node[key]
        node[last] = value
    return copy


def fnv1a(ids):
    value = 0xCBF29CE484222325
    for id in ids:
        for byte in id.to_bytes(4, "little"):
            value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def expected(file, texts):
    tokenizer = Tokenizer.from_str(json.dumps(file))
    ids_of = lambda text: tokenizer.encode(text, add_special_tokens=False).ids
    random = Random(SEED)
    blocks = [sum((ids_of(random_string(random, ATOMS)) for _ in range(BLOCK)), []) for _ in range(BLOCKS)]
    repeated = [ids_of(unit * count) for unit, count in REPEATED]
    return {
        "ids": [ids_of(text) for text in texts],
        "random": [fnv1a(ids) for ids in blocks],
        "repeated": [[len(ids), fnv1a(ids)] for ids in repeated],
    }


def write(path, value):
    path.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n")


def main():
    OUT.mkdir(exist_ok=True)
    files = dict(families())
    for name, file in files.items():
        write(OUT / f"{name}.json", file)
    texts = list(adversarial())
    out = {"seed": SEED, "block": BLOCK, "atoms": ATOMS, "texts": texts, "repeated": REPEATED, "variants": {}}
    for name, (base, changes) in variants(files).items():
        result = expected(replaced(files[base], changes), texts)
        out["variants"][name] = {"file": base, "replaced": changes, **result}
    write(OUT / "expected.json", out)


if __name__ == "__main__":
    main()
