#!/usr/bin/env python3
"""Makes tests/golden/hub/weight_files.json: which files of a directory transformers and mlx-lm load as weights.

    python3 tests/golden/make_weight_files.py        needs: transformers, mlx-lm (neither torch nor mlx)

A case has the files of a directory and the shards that its index names, or null without an index. `transformers` and
`mlx` are the files that each opens, or null when it finds none or one of them is missing. The function of transformers
is taken out of its module and run by itself, because the module needs torch. mlx-lm opens what its load_model globs
for; the pattern is read from its source.
"""

import ast
import glob
import importlib.util
import json
import os
import re
import tempfile
from pathlib import Path

from transformers.utils.hub import get_checkpoint_shard_files

OUT = Path(__file__).parent / "hub/weight_files.json"
TWO = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
THREE = [f"model-0000{i}-of-00003.safetensors" for i in (1, 2, 3)]
ONE = "model.safetensors"
CASES = [
    ([ONE], None),
    (TWO, TWO),
    (TWO, None),
    ([ONE], [ONE]),
    ([ONE], TWO),
    ([ONE, *TWO], TWO),
    ([ONE, *TWO], None),
    ([ONE, "model-mtp.safetensors"], [ONE, "model-mtp.safetensors"]),
    ([ONE, "model-mtp.safetensors"], None),
    ([*TWO, "model-mtp.safetensors"], None),
    ([*TWO, "mtp.safetensors"], [*TWO, "mtp.safetensors"]),
    (TWO, [*TWO, "mtp.safetensors"]),
    (TWO, THREE),
    ([*TWO, "model-old.safetensors"], TWO),
    ([*TWO, *THREE], THREE),
    ([*THREE, *TWO[:1]], None),
    (THREE[:2], THREE),
    (THREE[:2], None),
    ([*TWO, *THREE[:2]], THREE),
    ([ONE, *THREE[:2]], THREE),
    (["weights-1.safetensors", "weights-2.safetensors"], ["weights-1.safetensors", "weights-2.safetensors"]),
    (["weights-1.safetensors"], None),
    (["model.safetensors-00001-of-00001.safetensors"], ["model.safetensors-00001-of-00001.safetensors"]),
    (["model.safetensors-00001-of-00001.safetensors"], None),
    ([], TWO),
    ([], None),
]


def source_of(package, module):
    """Reads a module without importing it."""
    (folder,) = importlib.util.find_spec(package).submodule_search_locations
    return (Path(folder) / f"{module}.py").read_text()


def resolver():
    """Returns _get_resolved_checkpoint_files of transformers, without its module."""
    tree = ast.parse(source_of("transformers", "modeling_utils"))
    (function,) = [n for n in tree.body if getattr(n, "name", "") == "_get_resolved_checkpoint_files"]
    for argument in function.args.args:
        argument.annotation = None
    function.returns = None
    names = {
        "os": os, "DownloadKwargs": dict, "SAFE_WEIGHTS_NAME": ONE, "SAFE_WEIGHTS_INDEX_NAME": ONE + ".index.json",
        "WEIGHTS_NAME": "pytorch_model.bin", "WEIGHTS_INDEX_NAME": "pytorch_model.bin.index.json",
        "_add_variant": lambda name, variant: name, "get_checkpoint_shard_files": get_checkpoint_shard_files,
        "logger": __import__("logging").getLogger(),
    }
    exec(compile(ast.Module([function], []), "modeling_utils", "exec"), names)
    return names[function.name]


def by_transformers(resolve, folder):
    try:
        files, _ = resolve(folder, None, None, True, {}, False)
    except OSError:
        return None
    return [os.path.basename(f) for f in files] if all(map(os.path.exists, files)) else None


def by_mlx(pattern, folder):
    return sorted(os.path.basename(f) for f in glob.glob(os.path.join(folder, pattern))) or None


def main():
    resolve = resolver()
    pattern = re.search(r'glob\(str\(model_path / "(model[^"]*)"\)\)', source_of("mlx_lm", "utils")).group(1)
    cases = []
    for files, shards in CASES:
        with tempfile.TemporaryDirectory() as folder:
            for name in files:
                (Path(folder) / name).touch()
            if shards is not None:
                index = {"metadata": {}, "weight_map": {f"t{i}": s for i, s in enumerate(shards)}}
                (Path(folder) / (ONE + ".index.json")).write_text(json.dumps(index))
            cases.append({"files": files, "index": shards, "transformers": by_transformers(resolve, folder),
                          "mlx": by_mlx(pattern, folder)})
    OUT.write_text(json.dumps(cases, indent=1) + "\n")


if __name__ == "__main__":
    main()
