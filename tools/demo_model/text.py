"""Tokenizer and chat template: how documents become tokens, and the weight of each token in the loss."""

import json
import pathlib
import random

import jinja2
import jinja2.ext
import jinja2.sandbox
import tokenizers
from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, trainers

import dialogs

TEMPLATE = pathlib.Path(__file__).parent / "chat_template.jinja"
PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*"
           r"|\s*[\r\n]+|\s+(?!\S)|\s+")
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]  # removed when text is shown
VISIBLE = ["<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>", "<think>", "</think>"]
PROMPT_WEIGHT = 0.1  # loss weight of a token that the model only reads


def documents_text(documents, template):
    for document in documents:
        yield document.text if document.text else render(template, document.messages, document.tools)


def train_tokenizer(path, vocab, documents=60000, seed=1):
    """Trains a tokenizer and saves it. The added tokens get the last ids. `vocab` includes them."""
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(PATTERN), behavior="isolated", invert=False),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer.decoder = decoders.ByteLevel(add_prefix_space=False, use_regex=False)
    rng = random.Random(seed)
    template = load_template()
    drawn = (dialogs.document(rng) for _ in range(documents))
    trainer = trainers.BpeTrainer(vocab_size=vocab - len(SPECIAL) - len(VISIBLE), show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator((strip_tags(text) for text in documents_text(drawn, template)), trainer)
    tokenizer.add_special_tokens([tokenizers.AddedToken(t, special=True, normalized=False) for t in SPECIAL])
    tokenizer.add_tokens([tokenizers.AddedToken(t, special=False, normalized=False) for t in VISIBLE])
    tokenizer.save(str(path))


def strip_tags(text):
    for tag in SPECIAL + VISIBLE:
        text = text.replace(tag, "\n")
    return text


def load_template():
    """Loads the template into the environment in which transformers renders templates."""
    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[jinja2.ext.loopcontrols])
    environment.filters["tojson"] = lambda value: json.dumps(value, ensure_ascii=False)
    environment.globals["raise_exception"] = raise_exception
    return environment.from_string(TEMPLATE.read_text())


def render(template, messages, tools=None, **options):
    return template.render(messages=messages, tools=tools, **options)


class Encoder:
    """Turns documents into (token ids, loss weights)."""

    def __init__(self, tokenizer_path):
        self.tokenizer = tokenizers.Tokenizer.from_file(str(tokenizer_path))
        self.template = load_template()
        ids = {tag: self.tokenizer.token_to_id(tag) for tag in SPECIAL + VISIBLE}
        self.end_of_text, self.start, self.end = (ids[tag] for tag in SPECIAL)
        self.think, self.end_of_thought = ids["<think>"], ids["</think>"]
        self.assistant = self.tokenizer.encode("assistant\n").ids

    def encode(self, text):
        return self.tokenizer.encode(text).ids

    def document(self, document):
        if document.text:
            ids = [*self.encode(document.text), self.end_of_text]
            return ids, [1.0] * len(ids)
        ids = self.encode(render(self.template, document.messages, document.tools))
        return ids, self.weights(ids)

    def weights(self, ids):
        """Returns weight 1 for the tokens that the model writes, PROMPT_WEIGHT for all others. The model writes from
        behind `<think>\\n`, or from behind an empty thought, up to the end of its turn."""
        weights, at = [PROMPT_WEIGHT] * len(ids), 0
        head = [self.start, *self.assistant, self.think]
        while at < len(ids):
            if ids[at] != self.start or ids[at : at + len(head)] != head:
                at += 1
                continue
            at += len(head)
            at += 3 if ids[at + 1] == self.end_of_thought else 1
            end = ids.index(self.end, at)
            weights[at : end + 1] = [1.0] * (end + 1 - at)
            at = end
        return weights

    def prompt(self, messages, tools=None, thinking=False):
        return self.encode(render(self.template, messages, tools, add_generation_prompt=True,
                                  enable_thinking=thinking))
