#!/usr/bin/env python3
"""Makes tests/golden/hub/cache.json: where huggingface_hub looks for downloaded models, and what it finds there.

    python3 tests/golden/make_hub.py        needs: huggingface_hub

`places` has environments and the cache that each means. A relative cache is relative to the working directory.
`finds` has the files of a cache, and what was asked of it: a repository, a revision, and the directory that was found
or null. A revision is found when snapshot_download finds it without a network, or when try_to_load_from_cache, which
transformers asks for single files, finds its config.json. The two differ for commits that are not 40 digits long.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from huggingface_hub import snapshot_download, try_to_load_from_cache

OUT = Path(__file__).parent / "hub/cache.json"

HOME = {"HOME": "/home/ada"}
ENVIRONMENTS = [
    {},
    {"XDG_CACHE_HOME": "/var/caches"},
    {"XDG_CACHE_HOME": "~/caches"},
    {"XDG_CACHE_HOME": ""},
    {"HF_HOME": "/data/hf"},
    {"HF_HOME": "/data/hf/", "XDG_CACHE_HOME": "/var/caches"},
    {"HF_HOME": "~/hf"},
    {"HF_HOME": "~"},
    {"HF_HOME": "~root/hf"},
    {"HF_HOME": "$DISK/hf", "DISK": "/mnt/disk"},
    {"HF_HOME": "${DISK}s/hf", "DISK": "/mnt/disk"},
    {"HF_HOME": "$DISKS/hf", "DISK": "/mnt/disk"},
    {"HF_HOME": "/a/$DISK/${DISK", "DISK": "b"},
    {"HF_HOME": "/a/$/${}/$DISK$DISK", "DISK": "b"},
    {"HF_HOME": "/a/$DISK", "DISK": "$OTHER", "OTHER": "b"},
    {"HF_HOME": "$DISK/hf", "DISK": "~/disk"},
    {"HF_HOME": "models/hf"},
    {"HF_HOME": ""},
    {"HUGGINGFACE_HUB_CACHE": "/old/hub"},
    {"HUGGINGFACE_HUB_CACHE": "~/old", "HF_HOME": "/data/hf"},
    {"HF_HUB_CACHE": "/new/hub", "HUGGINGFACE_HUB_CACHE": "/old/hub", "HF_HOME": "/data/hf"},
    {"HF_HUB_CACHE": "~/new/$DISK", "DISK": "disk"},
    {"HF_HUB_CACHE": "$DISK/new", "DISK": "~"},
    {"HF_HUB_CACHE": "hub"},
    {"HF_HUB_CACHE": "", "HF_HOME": "/data/hf"},
    {"HOME": "/home/ada/", "HF_HOME": "~/hf"},
    {"HOME": "/", "HF_HOME": "~"},
]

FULL = "0123456789abcdef0123456789abcdef01234567"
OTHER = "f" * 40
CACHES = [
    {
        "files": {
            "models--Org--Name/refs/main": FULL,
            "models--Org--Name/refs/v1.0": OTHER,
            "models--Org--Name/refs/refs/pr/7": "abc",
            "models--Org--Name/refs/gone": "d" * 40,
            f"models--Org--Name/snapshots/{FULL}/config.json": "{}",
            f"models--Org--Name/snapshots/{OTHER}/config.json": "{}",
            "models--Org--Name/snapshots/abc/config.json": "{}",
            "models--gpt2/refs/main": "abc",
            "models--gpt2/snapshots/abc/config.json": "{}",
            "datasets--Org--Data/refs/main": "abc",
            "datasets--Org--Data/snapshots/abc/config.json": "{}",
        },
        "asked": [
            ("Org/Name", None), ("Org/Name", "main"), ("Org/Name", "v1.0"), ("Org/Name", "refs/pr/7"),
            ("Org/Name", FULL), ("Org/Name", OTHER), ("Org/Name", "abc"), ("Org/Name", FULL[:8]),
            ("Org/Name", "gone"), ("Org/Name", "v2"), ("Org/Name", "../refs"), ("Org/Name", "refs"), ("gpt2", None),
            ("Org/Data", None), ("Org/None", None),
        ],
    },
    {
        # A tag has the name of a commit's directory: the file of refs goes first.
        "files": {
            "models--Org--Name/refs/main": "abc",
            "models--Org--Name/refs/def": "abc",
            "models--Org--Name/snapshots/abc/config.json": "{}",
            "models--Org--Name/snapshots/def/config.json": "{}",
        },
        "asked": [("Org/Name", None), ("Org/Name", "def")],
    },
]


def place(environment):
    environment = HOME | environment
    program = ("import os; from pathlib import Path; from huggingface_hub import constants; "
               "print(os.path.abspath(Path(constants.HF_HUB_CACHE).expanduser()))")
    with tempfile.TemporaryDirectory() as folder:
        folder = os.path.realpath(folder)
        told = subprocess.run([sys.executable, "-c", program], env=environment, cwd=folder, check=True,
                              capture_output=True, text=True).stdout.strip()
    relative = os.path.relpath(told, folder)
    return {"environment": environment, "cache": told if relative.startswith("..") else relative}


def found(cache, repository, revision):
    try:
        path = snapshot_download(repository, revision=revision, cache_dir=cache, local_files_only=True)
    except Exception:
        file = try_to_load_from_cache(repository, "config.json", cache_dir=cache, revision=revision)
        if not isinstance(file, str):
            return None
        path = os.path.dirname(file)
    return os.path.relpath(os.path.realpath(path), os.path.realpath(cache))


def finds(files, asked):
    with tempfile.TemporaryDirectory() as cache:
        for name, text in files.items():
            path = Path(cache) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        answers = [{"repository": r, "revision": v or "", "found": found(cache, r, v)} for r, v in asked]
    return {"files": files, "asked": answers}


def main():
    OUT.parent.mkdir(exist_ok=True)
    cases = {"places": [place(e) for e in ENVIRONMENTS], "finds": [finds(**c) for c in CACHES]}
    OUT.write_text(json.dumps(cases, indent=1) + "\n")


if __name__ == "__main__":
    main()
