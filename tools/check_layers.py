#!/usr/bin/env python3
"""Checks who includes whom: reads every #include "..." of src/, apps/, include/ and tests/ and fails on those that the
layers forbid (docs/map.md draws the layers). Tests may include anything. Only a test may include a test.

A layer is a folder: src/model/mlp.cpp is in `model`, src/backend/cpu/pack.h is in `backend/cpu`, src/backend/backend.h
is in `backend` (the contract alone), include/moebius is in `include`. Every layer may include the plain data of
include/moebius (EVERYBODYS). The table cannot express a cycle between layers, because a layer may include only layers
above it. This program also searches for cycles between files.
"""

import argparse
import re
import sys
from pathlib import Path

# A layer -> the layers it may include besides itself. A layer may name only layers above it in this table. A permission
# that no file uses is a complaint too, unless the layer is in TO_COME.
LAYERS = {
    "include": set(),
    "base": set(),
    "quant": {"base"},
    "tokenizer": {"base"},
    "reply": {"base"},
    "template/jinja": {"base"},
    "template": {"template/jinja", "base"},
    "sample": {"base"},
    "speculate": {"base"},
    "cache": {"base"},
    "checkpoint": {"base"},
    "backend": {"sample", "quant", "base"},
    "backend/reference": {"backend", "quant", "base"},
    "backend/cpu/kernels": {"quant", "base"},
    "backend/cpu": {"backend/cpu/kernels", "backend", "quant", "base"},
    "backend/cuda": {"backend", "quant", "base"},
    "model": {"backend", "sample", "checkpoint", "quant", "base"},
    "convert": {"model", "backend", "checkpoint", "quant", "base"},
    "dialogue": {"tokenizer", "reply", "template", "sample", "checkpoint", "base"},
    "schedule": {"dialogue", "model", "backend", "cache", "sample", "speculate", "base"},
    "load": {"include", "model", "backend", "checkpoint", "base"},
    "engine": {"include", "load", "schedule", "dialogue", "model", "sample"},
    "server": {"include", "base"},
    "apps/cli": {"include", "engine", "load", "model", "checkpoint", "speculate", "base"},
    "apps/talk": {"apps/cli", "include", "dialogue", "sample", "base"},
    "apps/bench": {"apps/cli", "load", "schedule", "dialogue", "model", "speculate", "backend", "checkpoint", "base"},
    "apps/checkpoint": {"apps/cli", "load", "convert", "dialogue", "model", "sample", "checkpoint", "quant", "base"},
    "apps": {"apps/cli"},
}
# Layers that have no files yet.
TO_COME = {"backend/cuda", "server"}
DEVICES = {"backend/reference", "backend/cpu", "backend/cuda"}
# The one file that knows every backend by name.
EXCEPTIONS = {"src/load/make_backend.cpp": DEVICES}
# The one error type, and the plain data of the public interface. Every layer may include these: the library fills in
# the data.
EVERYBODYS = {Path("include/moebius") / name for name in ("chat.h", "compute_options.h", "error.h", "export.h", "limits.h", "reply.h", "request.h", "sampling.h", "speculation.h")}
ADVICE = {
    "devices": "go through backend/backend.h; src/load/make_backend.cpp alone names the backends",
    "tests": "code of a test stays in tests; move what both need into the library",
}
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)
SUFFIXES = {".h", ".cpp", ".cu", ".cuh"}


def layer_of(path):
    """Returns the layer of a path relative to the root. It is the path's deepest folder that is a layer, else its first
    folder. Returns None when there is no such folder."""
    folders = path.parts[:-1]
    if folders and folders[0] == "src":
        folders = folders[1:]
        if not folders:
            return None
    for depth in range(len(folders), 0, -1):
        if (name := "/".join(folders[:depth])) in LAYERS:
            return name
    return folders[0] if folders else None


def is_test(path):
    return "testing" in path.parts or path.stem.endswith("_test") or path.parts[0] == "tests"


def resolve(root, source, name):
    """Returns the file that an #include names, relative to the root. Returns None when it is not in this repository."""
    for folder in (source.parent, Path("src"), Path("apps"), Path("include"), Path(".")):
        path = root / folder / name
        if path.is_file():
            return path.resolve().relative_to(root.resolve())
    return None


def judge(source, target):
    """Returns why source may not include target. Returns None when it may."""
    origin, goal = layer_of(source), layer_of(target)
    if is_test(source) or target in EVERYBODYS:
        return None
    if is_test(target):
        return ADVICE["tests"]
    if origin not in LAYERS:
        return f"{source} is in no known layer; add its folder to LAYERS in tools/check_layers.py and to docs/map.md"
    if origin == goal or goal in LAYERS[origin] | EXCEPTIONS.get(str(source), set()):
        return None
    if goal in DEVICES:
        return ADVICE["devices"]
    allowed = ", ".join(name for name in LAYERS if name in LAYERS[origin]) or "nothing but " + ", ".join(sorted(path.name for path in EVERYBODYS))
    return f"{origin} may include {allowed}"


def unused_permissions(used):
    """Returns complaints about permissions that no file uses. Layers without any include get no complaint."""
    present = {origin for origin, _ in used} - TO_COME
    return [
        f"{origin} may include {goal} and never does: take it out of LAYERS in tools/check_layers.py"
        for origin in LAYERS
        if origin in present
        for goal in sorted(LAYERS[origin])
        if (origin, goal) not in used
    ]


def find_cycle(graph):
    """Returns a list of files that include each other in a ring. Returns None when there is no ring."""
    done, path = set(), []

    def visit(node):
        if node in path:
            return path[path.index(node) :] + [node]
        if node in done:
            return None
        path.append(node)
        for other in graph.get(node, []):
            if cycle := visit(other):
                return cycle
        path.pop()
        done.add(node)
        return None

    return next((cycle for node in graph if (cycle := visit(node))), None)


def check(root):
    """Returns all complaints about the tree below root, the pairs (layer, included layer), and how many includes were
    read."""
    complaints, graph, used, count = [], {}, set(), 0
    for folder in ("include", "src", "apps", "tests"):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in SUFFIXES:
                continue
            source = path.relative_to(root)
            text = path.read_text(encoding="utf-8")
            for match in INCLUDE.finditer(text):
                target = resolve(root, source, match.group(1))
                if target is None:
                    continue
                count += 1
                graph.setdefault(source, []).append(target)
                if not is_test(source) and target not in EVERYBODYS:
                    used.add((layer_of(source), layer_of(target)))
                if why := judge(source, target):
                    line = text.count("\n", 0, match.start(1)) + 1
                    complaints.append(f'{source}:{line}: includes "{match.group(1)}": {why}')
    if cycle := find_cycle(graph):
        complaints.append("files include each other in a ring: " + " -> ".join(map(str, cycle)))
    return complaints, used, count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", nargs="?", type=Path, default=Path(__file__).resolve().parent.parent)
    complaints, used, count = check(parser.parse_args().root)
    complaints += unused_permissions(used)
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    print(f"layers: {count} includes, {len(complaints)} complaints")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
