#!/usr/bin/env python3
"""Disassembles a release build and finds instructions that leak out of the file of their instruction set.

The program must run on any x86-64 machine and choose its kernels at start. Therefore:
  1. isa_avx2*.cpp.o holds no instruction above AVX2 + FMA + F16C + BMI2. isa_avx512*.cpp.o may hold any instruction.
     Every other object file of the libraries and the program holds baseline instructions only (no VEX, EVEX or BMI).
  2. isa_avx*.cpp.o defines weak symbols (inline functions, templates) only in a namespace of that instruction set. The
     linker keeps one copy of a weak symbol for the whole program, and it might keep this one.
"""

import argparse
import platform
import re
import subprocess
import sys
from pathlib import Path

# Baseline x86-64 has no mnemonic that begins with v, except for some that no compiler emits. tzcnt is missing here:
# objdump prints it for `rep bsf`, which is baseline.
ABOVE_BASELINE = re.compile(
    r"^(v\w+|andn|bextr|bls(i|r|msk)|bzhi|mulx|pdep|pext|rorx|sarx|shlx|shrx|lzcnt|popcnt)[lq]?\b"
)
ABOVE_AVX2 = re.compile(r"%zmm|%k[0-7]|%[xy]mm(1[6-9]|2\d|3[01])\b")
INSTRUCTION = re.compile(r"^\s+[0-9a-f]+:\t(.*)$")
FUNCTION = re.compile(r"^[0-9a-f]+ <(.*)>:$")


def instruction_set(path):
    """Returns the instruction set that the name of the object file promises: avx512, avx2 or baseline."""
    match = re.match(r"isa_(avx512|avx2)", path.name)
    return match.group(1) if match else "baseline"


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def foreign_instructions(path):
    """Returns (function, first foreign instruction) for each function that holds a foreign instruction."""
    isa = instruction_set(path)
    if isa == "avx512":
        return []
    found, function = {}, "?"
    for line in output_of("objdump", "-d", "-C", "--no-show-raw-insn", path).splitlines():
        if match := FUNCTION.match(line):
            function = match.group(1)
        elif match := INSTRUCTION.match(line):
            text = match.group(1)
            if ABOVE_BASELINE.match(text) if isa == "baseline" else ABOVE_AVX2.search(text):
                found.setdefault(function, " ".join(text.split()))
    return list(found.items())


def leaking_symbols(path):
    """Returns the weak symbols that the file defines outside of a namespace of its instruction set."""
    isa = instruction_set(path)
    if isa == "baseline":
        return []
    lines = output_of("nm", "-C", "--defined-only", path).splitlines()
    weak = [match.group(1) for line in lines if (match := re.match(r"^[0-9a-f]* [WVu] (.*)$", line))]
    return [name for name in weak if not re.search(rf"\b{isa}::", name)]


def check(build):
    """Returns all complaints about a build folder, and how many object files were read."""
    objects = sorted(build.glob("**/CMakeFiles/moebius*.dir/**/*.o"))
    complaints = []
    for path in objects:
        isa, name = instruction_set(path), path.relative_to(build)
        for function, instruction in foreign_instructions(path):
            complaints.append(
                f"{name}: {function}: `{instruction}` is above {isa}. Move the function into the file of its "
                "instruction set, or drop the target attribute or compile flag that allows it."
            )
        for symbol in leaking_symbols(path):
            complaints.append(
                f"{name}: weak symbol {symbol}: compiled with {isa}, and the linker may keep this copy for everyone. "
                f"Make it static, or put it into a namespace `{isa}`, or do not use it in this file."
            )
    return complaints, len(objects)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path, help="a release build folder, for example build/release")
    build = parser.parse_args().build
    if platform.machine() not in ("x86_64", "AMD64"):
        print(f"isa: nothing to check on {platform.machine()}")
        return 0
    complaints, count = check(build)
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    if not count:
        print(f"{build} holds no object files of moebius; run ./do build", file=sys.stderr)
    print(f"isa: {count} object files, {len(complaints)} leaks")
    return 1 if complaints or not count else 0


if __name__ == "__main__":
    sys.exit(main())
