"""Runs the project's program as a user would: token ids go in, token ids or logits come out."""

import json
import pathlib
import subprocess
import tempfile

from safetensors.numpy import load_file


class Engine:
    def __init__(self, program, directory, options=()):
        self.command = [str(program)], [str(directory), "--packed", "off", *options]

    def call(self, verb, *arguments):
        program, common = self.command
        done = subprocess.run([*program, verb, *common, *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"moebius {verb}: {done.stderr.strip()}")
        return done.stdout

    def generate(self, ids, most):
        """Decodes greedily. A stop id can only be the last of the returned ids."""
        out = self.call("generate", "--tokens", spelled(ids), "--max-tokens", str(most), "--json")
        return json.loads(out)["tokens"]

    def logits(self, ids, mtp=False):
        """Returns {logits [T, V]}. With mtp also mtp_logits [T - 1, V]."""
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "logits.safetensors"
            self.call("logits", "--tokens", spelled(ids), "--out", str(path), *(["--mtp"] if mtp else []))
            return load_file(path)


def spelled(ids):
    return ",".join(map(str, ids))
