"""Helpers of the end-to-end tests: they run the program with a clean environment, make a tiny checkpoint, and read
safetensors files.

MOEBIUS_PROGRAM is the path of the program. Standard library only."""

import json
import os
import shutil
import struct
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

PROGRAM = os.environ["MOEBIUS_PROGRAM"]
TIMEOUT_S = 300  # for a machine that does ten other things
COMMANDS = (
    "synth", "quantize", "inspect", "doctor", "generate", "chat", "tokenize", "render", "perplexity", "logits", "bench",
)


def clean_environment(**variables):
    """Returns this process's environment without MOEBIUS_*, and with the given variables."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MOEBIUS_")}
    return kept | variables


def run(*arguments, env=None, **options):
    """Runs the program. Returns the completed process, with stdout and stderr as text."""
    return subprocess.run(
        [PROGRAM, *map(str, arguments)], env=clean_environment(**(env or {})), text=True, timeout=TIMEOUT_S,
        stdout=options.pop("stdout", subprocess.PIPE), stderr=subprocess.PIPE, **options)


def start(*arguments, **options):
    """Starts the program and returns the process, with pipes."""
    return subprocess.Popen(
        [PROGRAM, *map(str, arguments)], env=clean_environment(), stdout=options.pop("stdout", subprocess.PIPE),
        stderr=options.pop("stderr", subprocess.PIPE), **options)


class TestCase(unittest.TestCase):
    """A test with a folder of its own, beside a tiny quantized checkpoint that is made once per test class."""

    @classmethod
    def setUpClass(cls):
        cls.shared = Path(tempfile.mkdtemp(prefix="moebius-e2e-"))
        cls.addClassCleanup(shutil.rmtree, cls.shared)
        cls.tiny = cls.shared / "tiny"
        made = run("synth", "--preset", "tiny", "--bits", 4, "--seed", 1, cls.tiny)
        assert made.returncode == 0, made.stderr

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(dir=self.shared))

    def copy_of_tiny(self):
        return Path(shutil.copytree(self.tiny, self.folder / "copy"))

    def succeed(self, *arguments, **options):
        result = run(*arguments, **options)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def fail_with(self, code, *arguments, **options):
        """Runs the program. It must end with this code, print no data, and say what is wrong. Returns the process."""
        result = run(*arguments, **options)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        self.assertEqual(result.stdout, "")
        self.assertIn("error: ", result.stderr)
        return result

    def wait_until(self, condition, process):
        """Waits until the condition holds. Fails with what the process said when it ends first or takes too long."""
        deadline = time.monotonic() + TIMEOUT_S
        while not condition():
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                _, said = process.communicate()
                self.fail(f"it ended with {process.returncode} before it began: {said.decode()}")
            time.sleep(0.001)


def read_safetensors(path):
    """Reads a file. Returns name -> (dtype, shape, bytes)."""
    data = Path(path).read_bytes()
    (size,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + size])
    header.pop("__metadata__", None)
    return {
        name: (t["dtype"], t["shape"], data[8 + size + t["data_offsets"][0] : 8 + size + t["data_offsets"][1]])
        for name, t in header.items()
    }


def rows_of(tensor):
    """Returns an F32 matrix as a list of tuples."""
    dtype, (rows, cols), data = tensor
    assert dtype == "F32"
    return [struct.unpack_from(f"<{cols}f", data, 4 * cols * r) for r in range(rows)]


def overwrite(checkpoint, tensor, data):
    """Puts bytes at the start of a tensor of a checkpoint with one file."""
    (path,) = checkpoint.glob("*.safetensors")
    with open(path, "r+b") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
        file.seek(8 + size + header[tensor]["data_offsets"][0])
        file.write(data)


def edit_config(checkpoint, **values):
    """Sets keys of the text part of config.json."""
    path = checkpoint / "config.json"
    config = json.loads(path.read_text())
    config.get("text_config", config).update(values)
    path.write_text(json.dumps(config))
