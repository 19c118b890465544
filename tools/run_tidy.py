#!/usr/bin/env python3
"""Runs clang-tidy on the given C++ files, one process per core, within a time limit. .clang-tidy names the checks.

A file that passed is remembered in the build folder by a hash of its preprocessed source. It is not linted again until
the file, one of its headers, its flags or .clang-tidy change. Files that were not linted in time are named on stderr.
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

TIDY = "clang-tidy-19"


def compile_commands(build):
    """Reads compile_commands.json. Returns source path -> (directory, compiler arguments)."""
    entries = json.loads((build / "compile_commands.json").read_text())
    return {Path(e["file"]): (e["directory"], shlex.split(e["command"])) for e in entries}


def fingerprint(directory, arguments, config):
    """Returns a hash of the preprocessed source, its flags and the checks."""
    if Path(arguments[0]).name == "ccache":
        arguments = arguments[1:]
    cut = arguments.index("-o")
    command = arguments[:cut] + arguments[cut + 2 :]
    command[command.index("-c")] = "-E"
    preprocessed = subprocess.run(command, cwd=directory, capture_output=True, check=True).stdout
    return hashlib.sha256(config + "\0".join(command).encode() + preprocessed).hexdigest()


def lint(path, build, commands, config, deadline):
    """Returns (path, verdict, output). The verdict is ok, bad or late."""
    if time.monotonic() > deadline:
        return path, "late", ""
    stamps = build / "tidy"
    stamps.mkdir(exist_ok=True)
    stamp = stamps / fingerprint(*commands[path], config)
    if stamp.exists():
        return path, "ok", ""
    try:
        run = subprocess.run(
            [TIDY, "-p", build, "--quiet", "--warnings-as-errors=*", path],
            capture_output=True,
            text=True,
            timeout=max(1, deadline - time.monotonic()),
        )
    except subprocess.TimeoutExpired:
        return path, "late", ""
    if run.returncode:
        return path, "bad", run.stdout + run.stderr
    stamp.touch()
    return path, "ok", ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, required=True, help="a configured build folder")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("files", nargs="*", type=Path, help="files that this build does not compile are left out")
    args = parser.parse_args()
    root = Path(__file__).resolve().parent.parent
    commands = compile_commands(args.build)
    files = [path for path in (file.resolve() for file in args.files) if path in commands]
    config = (root / ".clang-tidy").read_bytes()
    deadline = time.monotonic() + 60 * args.minutes
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda path: lint(path, args.build, commands, config, deadline), files))
    for path, verdict, output in results:
        if verdict == "bad":
            print(output, file=sys.stderr)
        if verdict == "late":
            print(f"NOT LINTED, out of time: {path.relative_to(root)}", file=sys.stderr)
    bad = sum(verdict == "bad" for _, verdict, _ in results)
    print(f"clang-tidy: {len(files)} files, {bad} with warnings")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
