"""Writes the weights of a training as a checkpoint directory in Hugging Face layout, as this family is published.

  python3 export.py WORK OUT [--tiny]     WORK: the folder of train.py, with tokenizer.json and weights/
"""

import argparse
import json
import pathlib
import shutil

import tokenizers
from safetensors.torch import load_file, save_file

import model as demo
import text

SAMPLING = {"do_sample": True, "temperature": 0.3, "top_k": 20, "top_p": 0.9}


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def config(tiny, end_of_text):
    """Returns the config of the published wrapper around the text model, without a vision tower."""
    inner = {key: value for key, value in demo.text_config(tiny).items() if key != "initializer_range"}
    return {"architectures": ["Qwen3_5MoeForConditionalGeneration"], "language_model_only": True,
            "model_type": "qwen3_5_moe", "text_config": inner | {"dtype": "bfloat16", "eos_token_id": end_of_text},
            "tie_word_embeddings": True}


def published_name(name):
    return name.replace("model.", "model.language_model.", 1) if name.startswith("model.") else name


def tokenizer_config(tokenizer, length):
    added = {str(tokenizer.token_to_id(tag)): {
        "content": tag, "lstrip": False, "normalized": False, "rstrip": False, "single_word": False,
        "special": tag in text.SPECIAL} for tag in text.SPECIAL + text.VISIBLE}
    return {"add_bos_token": False, "add_prefix_space": False, "added_tokens_decoder": added, "bos_token": None,
            "clean_up_tokenization_spaces": False, "eos_token": "<|im_end|>", "errors": "replace",
            "model_max_length": length, "pad_token": "<|endoftext|>", "tokenizer_class": "PreTrainedTokenizerFast",
            "unk_token": None}


def write(work, out, tiny):
    tensors = {}
    for part in sorted((work / "weights").glob("part-*.safetensors")):
        tensors |= load_file(part)
    out.mkdir(parents=True)
    save_file({published_name(name): tensor for name, tensor in sorted(tensors.items())}, out / "model.safetensors",
              {"format": "pt"})
    tokenizer = tokenizers.Tokenizer.from_file(str(work / "tokenizer.json"))
    end_of_text, end = tokenizer.token_to_id("<|endoftext|>"), tokenizer.token_to_id("<|im_end|>")
    settings = config(tiny, end_of_text)
    write_json(out / "config.json", settings)
    write_json(out / "generation_config.json",
               SAMPLING | {"eos_token_id": [end, end_of_text], "pad_token_id": end_of_text})
    write_json(out / "tokenizer_config.json",
               tokenizer_config(tokenizer, settings["text_config"]["max_position_embeddings"]))
    shutil.copy(work / "tokenizer.json", out / "tokenizer.json")
    shutil.copy(text.TEMPLATE, out / "chat_template.jinja")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--tiny", action="store_true")
    options = parser.parse_args()
    write(options.work, options.out, options.tiny)


if __name__ == "__main__":
    main()
