"""Makes a tiny checkpoint that can talk. It has a byte-level tokenizer with one token per byte, and a chat template.
Its answers are noise, the same noise every time. The tests are about everything around the answers."""

import json
import shutil

CONTROL = ("<|im_start|>", "<|im_end|>")
TAGS = ("<think>", "</think>", "<tool_call>", "</tool_call>")
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+"
    r"|\s+(?!\S)|\s+"
)
TEMPLATE = """\
{%- for message in messages %}
{{- '<|im_start|>' + message.role + '\\n' }}
{%- if message.reasoning_content is defined and loop.last %}{{- '<think>' + message.reasoning_content + '</think>' }}{%- endif %}
{{- message.content + '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}
{%- if enable_thinking is defined and enable_thinking %}{{- '<think>\\n' }}{%- endif %}{%- endif %}
"""


def byte_alphabet():
    """Returns GPT-2's letters for bytes. Printable bytes stand for themselves, others get letters from U+0100 on."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = dict(zip(printable, map(chr, printable)))
    for byte in range(256):
        letters.setdefault(byte, chr(256 + sum(b not in printable for b in range(byte))))
    return letters


def tokenizer(size=0):
    """Returns a tokenizer.json. It has at least `size` tokens: tokens without a use follow the others."""
    letters = byte_alphabet()
    unused = [f"<|unused_{i}|>" for i in range(size - 256 - len(CONTROL + TAGS))]
    vocab = {letters[byte]: byte for byte in range(256)}
    added = [
        {"id": 256 + i, "content": text, "special": text in CONTROL, "single_word": False, "lstrip": False,
         "rstrip": False, "normalized": False}
        for i, text in enumerate([*CONTROL, *TAGS, *unused])
    ]
    split = {"type": "Split", "pattern": {"Regex": SPLIT}, "behavior": "Isolated", "invert": False}
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, level]}, "post_processor": None,
        "decoder": level, "model": {"type": "BPE", "dropout": None, "unk_token": None,
        "continuing_subword_prefix": "", "end_of_word_suffix": "", "fuse_unk": False, "byte_fallback": False,
        "vocab": vocab, "merges": []},
    }


def give_words(checkpoint, folder, size=0):
    """Returns a copy of the checkpoint in the folder, with template and a tokenizer of at least `size` tokens."""
    copy = shutil.copytree(checkpoint, folder / "talking")
    (copy / "tokenizer.json").write_text(json.dumps(tokenizer(size)))
    (copy / "tokenizer_config.json").write_text(json.dumps({"eos_token": "<|im_end|>"}))
    (copy / "chat_template.jinja").write_text(TEMPLATE)
    return copy
