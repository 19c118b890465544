#!/usr/bin/env python3
"""Makes tests/golden/tokenizer/files.json: which added tokens the files of a tokenizer name, and how they are found.

    python3 tests/golden/make_added_tokens.py        needs: transformers

`tokenizer_json`: cases with the tokenizer.json of qwen2.json, whose added_tokens are replaced by `added`. `files` are
the files beside it. `vocabulary`: cases with the vocabulary and merges of qwen3_5.json as vocab.json and merges.txt,
whose lines end in `newline`. `ids` are those of PreTrainedTokenizerFast, or of AutoTokenizer, for each of `texts`. For
Qwen3.5 AutoTokenizer of transformers 5.24 reads no vocab.json, so its class gets the vocabulary and the merges itself.
"""

import json
import tempfile
from pathlib import Path

from tokenizers import AddedToken
from transformers import AutoTokenizer, PreTrainedTokenizerFast, Qwen3_5Tokenizer

FOLDER = Path(__file__).resolve().parent / "tokenizer"
BASE = json.loads((FOLDER / "qwen2.json").read_text())
VOCAB = BASE["model"]["vocab"]
FIRST = len(VOCAB)  # in qwen3_5.json too
MERGES = [tuple(merge) for merge in json.loads((FOLDER / "qwen3_5.json").read_text())["model"]["merges"]]
VOCAB_3_5 = json.loads((FOLDER / "qwen3_5.json").read_text())["model"]["vocab"]
CONFIG, MAP, OLD = "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"


def flags(content, **changed):
    kinds = ("single_word", "lstrip", "rstrip", "normalized", "special")
    return {"content": content, **{kind: changed.get(kind, False) for kind in kinds}}


def listed(*tokens):
    return [{"id": FIRST + i, **token} for i, token in enumerate(tokens)]


def decoder(first, *tokens):
    return {"added_tokens_decoder": {str(first + i): token for i, token in enumerate(tokens)}}


A, B, C = flags("<a>"), flags("<b>"), flags("<c>")
STRIPS = listed(flags("<l>", lstrip=True), flags("<r>", rstrip=True), flags("<b>", lstrip=True, rstrip=True), flags("<t>"))
STRIP_TEXTS = ["x  <l>  y", "x  <r> \n\u3000 y", "x  <r>  <l>  <b>  <b> y", "  <l>", "<r>  ", "\u200b <l>", "<t> <l><r> <t>",
               "\u00a0\u2003<b>\u0085\u2028z", "e <l>", "<r><r>  <r>"]  # fmt: skip
WORD_TEXTS = ["ab abc xab ab. (ab) ab", "ab_ _ab ab1 1ab ab\u00b2 \u00b2ab", "e\u0301ab ab\u0301 ab\u200d \u24b6ab ab\u24b6",
              "\u4e16ab ab\u754c ab\u3000 ab-ab", "ab\u0661 ab\u2160 ab\u203f", "abab ababab", "\U0001f130ab ab\U0001f600"]  # fmt: skip

TOKENIZER_JSON = [
    ("tokens of the config alone", listed(A), {CONFIG: decoder(FIRST, A, B)}, ["x<a><b>"]),
    ("tokens of the config in the order of ids", [], {CONFIG: {"added_tokens_decoder": {str(FIRST + 1): B, str(FIRST): A}}}, ["<b><a>"]),
    ("flags of the config", listed(A, B), {CONFIG: decoder(FIRST, flags("<a>", lstrip=True, special=True), B)}, ["x <a> <b>"]),
    ("the config makes raw what was normalized", listed(flags("e\u0301", normalized=True)), {CONFIG: decoder(FIRST, flags("e\u0301"))}, ["xe\u0301", "x\u00e9"]),
    ("flags that are not there", listed(A), {CONFIG: decoder(FIRST + 1, {"content": "e\u0301"}, {"content": "o\u0301", "special": True})}, ["e\u0301 \u00e9 o\u0301 \u00f3"]),
    ("another id for a known token", listed(A, B), {CONFIG: decoder(FIRST, B, A)}, ["<a><b>"]),
    ("a word of the vocabulary", [], {CONFIG: decoder(VOCAB["ter"], flags("ter", single_word=True))}, ["ter letter term"]),
    ("named tokens", listed(A), {CONFIG: {"eos_token": "<e>", "pad_token": "th", "bos_token": "", "image_token": "<i>", "add_bos_token": False, "additional_special_tokens": ["<x>", "<a>"]}}, ["<a><e><i><x> the <|endoftext|>"]),
    ("named tokens with flags", listed(A), {CONFIG: {"eos_token": {"__type": "AddedToken", **flags("<e>", lstrip=True, normalized=True)}}}, ["x <e>"]),
    ("extra tokens as a list", listed(A), {CONFIG: {"extra_special_tokens": ["<x>"], "additional_special_tokens": ["<y>"]}}, ["<x><y>"]),
    ("extra tokens as an object", listed(A), {CONFIG: {"extra_special_tokens": {"image": "<x>"}}}, ["<x><a>"]),
    ("a map of special tokens", listed(A), {CONFIG: {"eos_token": "<e>"}, MAP: {"eos_token": flags("<m>"), "pad_token": "<p>"}}, ["<e><m><p>"]),
    ("a map behind a decoder", listed(A), {CONFIG: decoder(FIRST, A), MAP: {"eos_token": "<m>"}}, ["<m><a>"]),
    ("older tokens", listed(A), {CONFIG: {"eos_token": "e\u0301"}, OLD: {"o\u0301": FIRST + 2, "e\u0301": FIRST + 1, "<a>": FIRST}}, ["e\u0301\u00e9 o\u0301\u00f3<a>"]),
    ("older tokens behind a decoder", listed(A), {CONFIG: decoder(FIRST, A), OLD: {"<b>": FIRST + 1}}, ["<a><b>"]),
    ("white space that is taken", STRIPS, {}, STRIP_TEXTS),
    ("white space in normalized text", listed(flags("<n>", rstrip=True, normalized=True), flags("<t>")), {}, ["x <n>  y<n> <t> <n>", "e\u0301 <n> e\u0301"]),
    ("white space that begins a token", listed(flags("<r>", rstrip=True), flags(" x"), flags("xy", lstrip=True)), {}, ["<r> x y", "<r>   x", "<r>  xy", " x xy"]),
    ("single words", listed(flags("ab", single_word=True), flags("abc")), {}, WORD_TEXTS),
    ("single words beside tokens", listed(flags("<t>"), flags("m", single_word=True, normalized=True)), {}, ["a<t>m<t>m m<t>mm<t>"]),
    ("single words in normalized text", listed(flags("o\u0323\u0302", single_word=True, normalized=True)), {}, ["o\u0323\u0302 xo\u0302\u0323 \u1ed9\u1ed9 \u1ed9."]),
]  # fmt: skip

CHATML = [flags(token, special=True) for token in ("<|endoftext|>", "<|im_start|>", "<|im_end|>")]
TEXTS = ["<|im_start|>user\nI'm 12\u00bd, caf\u0065\u0301<|im_end|>\n", "\u091f\u094d\u094c\u0905\u0934\u0915\u0913 \u0e08\u0e0e\u0e4a\u0e47\u0e1c\u0e2c\u0e1d", "a  b\r\n\r\n  c<|endoftext|>"]
VOCABULARY = [
    ("qwen3_moe", "qwen3_moe", "\n", {CONFIG: {"tokenizer_class": "Qwen2Tokenizer", **decoder(FIRST, *CHATML)}}),
    ("lines that end as on Windows", "qwen3_moe", "\r\n", {CONFIG: decoder(FIRST, *CHATML)}),
    ("a fast class", "qwen3_next", "\n", {CONFIG: {"tokenizer_class": "Qwen2TokenizerFast", **decoder(FIRST, *CHATML)}}),
    ("Qwen3.5 by its family", "qwen3_5_moe", "\n", {CONFIG: {"tokenizer_class": "Qwen2Tokenizer", **decoder(FIRST, *CHATML)}}),
    ("Qwen3.5 by its class", "qwen3_moe", "\n", {CONFIG: {"tokenizer_class": "Qwen3_5Tokenizer", **decoder(FIRST, *CHATML)}}),
    ("no config", "qwen3_moe", "\n", {}),
    ("older tokens", "qwen3_moe", "\n", {OLD: {t["content"]: FIRST + i for i, t in enumerate(CHATML)}}),
    ("a token that no file names", "qwen3_moe", "\n", {CONFIG: {"eos_token": "<|im_end|>", "pad_token": None}}),
]  # fmt: skip


def write(directory, files):
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (directory / name).write_bytes(text.encode())


def ids_with(load, files, texts):
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), files)
        tokenizer = load(folder)
        return [tokenizer.encode(text, add_special_tokens=False) for text in texts]


def with_tokenizer_json(name, added, files, texts):
    all_files = {"tokenizer.json": {**BASE, "added_tokens": added}, **files}
    ids = ids_with(PreTrainedTokenizerFast.from_pretrained, all_files, texts)
    return {"name": name, "added": added, "files": files, "texts": texts, "ids": ids}


def qwen3_5(folder):
    added = json.loads((Path(folder) / CONFIG).read_text())["added_tokens_decoder"]
    tokens = {int(id): AddedToken(**token) for id, token in added.items()}
    return Qwen3_5Tokenizer(vocab=dict(VOCAB_3_5), merges=MERGES, added_tokens_decoder=tokens)


def with_vocabulary(name, model_type, newline, files):
    merges = newline.join(["#version: 0.2", *map(" ".join, MERGES), ""])
    config = {"model_type": model_type}
    all_files = {"vocab.json": VOCAB_3_5, "merges.txt": merges, "config.json": config, **files}
    ids = ids_with(qwen3_5 if name.startswith("Qwen3.5") else AutoTokenizer.from_pretrained, all_files, TEXTS)
    return {"name": name, "model_type": model_type, "newline": newline, "files": files, "texts": TEXTS, "ids": ids}


def main():
    cases = {
        "tokenizer_json": [with_tokenizer_json(*case) for case in TOKENIZER_JSON],
        "vocabulary": [with_vocabulary(*case) for case in VOCABULARY],
    }
    lines = [f"{json.dumps(key)}: [\n" + ",\n".join(map(json.dumps, value)) + "\n]" for key, value in cases.items()]
    (FOLDER / "files.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
