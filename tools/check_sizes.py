#!/usr/bin/env python3
"""Fails on a source file above 800 lines or a function above 120. Prints median and 90th percentile of both.

CI enforces these limits. The aim is lower: a source file up to 400 lines, a header up to 200, a function up to 40. C++
functions are found by their braces: strings and comments are blanked out first, and functions inside namespaces and
types are found too. Python functions are found by the ast module.
"""

import argparse
import ast
import bisect
import re
import statistics
import subprocess
import sys
from pathlib import Path

MAX_FILE_LINES = 800
MAX_FUNCTION_LINES = 120
CPP_SUFFIXES = {".h", ".cpp", ".cu", ".cuh"}

# Comments, raw strings, strings and characters. A brace in them does not count. The quote of 1'000 begins no character.
NOISE = re.compile(
    r"//[^\n]*|/\*.*?\*/"
    r'|\bu?8?R"(?P<tag>[^()\s\\]{0,16})\(.*?\)(?P=tag)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'",
    re.S,
)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", re.M | re.S)
# The text before a brace that opens a container of declarations. `struct Point f() {` does not match: it ends in `)`.
CONTAINER = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b(?!.*\)[\w\s&]*$)", re.S)
FUNCTION = re.compile(
    r"\)\s*(?:(?:const|override|final|mutable|try|noexcept(?:\([^()]*\))?|&&?|->[^;{}]+|requires\b[^;{}]+)\s*)*$"
    r"|\)\s*(?:noexcept\s*)?:[^:][^;]*[)}]\s*$"  # a constructor: the text ends after its last member initialiser
)
NAME = re.compile(
    r"(?<![\w:])(?!__attribute__|alignas|decltype|requires)"
    r"((?:\w+::)*(?:\boperator\b(?:\s*\(\)|[^(]*)|~?\w+))\s*\("
)


def blank(match):
    return re.sub(r"[^\n]", " ", match.group())


def line_finder(text):
    starts = [0] + [m.end() for m in re.finditer("\n", text)]
    return lambda position: bisect.bisect_right(starts, position)


def cpp_functions(text):
    """Returns (name, first line, lines) of every function definition that is not inside another function.

    Walks over the braces with a stack. The head of a `{` is the text since the last statement ended. The head decides
    what the `{` opens: a container (namespace, type), a function, or mere braces (an initialiser). Mere braces do not
    end the statement.
    """
    text = DIRECTIVE.sub(blank, NOISE.sub(blank, text))
    line_of, found, stack, statement = line_finder(text), [], [], 0
    for match in re.finditer(r"[{};]", text):
        position, sign = match.start(), match.group()
        nested = any(kind != "container" for kind, _, _ in stack)
        if sign == "{":
            head = text[statement:position]
            first = line_of(position - len(head.lstrip()))
            if not nested and CONTAINER.search(head):
                stack.append(("container", "", first))
            elif not nested and FUNCTION.search(head):
                name = NAME.search(head)
                stack.append(("function", name.group(1).strip() if name else "lambda", first))
            else:
                stack.append(("braces", "", first))
                continue
        elif sign == "}" and stack:
            kind, name, first = stack.pop()
            if kind == "function":
                found.append((name, first, line_of(position) - first + 1))
            elif kind == "braces":
                continue
        elif nested:
            continue
        statement = position + 1
    return found


def python_functions(text):
    return [
        (node.name, node.lineno, node.end_lineno - node.lineno + 1)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]


def measure(path):
    """Returns (number of lines, functions) of one file."""
    text = path.read_text(encoding="utf-8")
    functions = python_functions(text) if path.suffix == ".py" else cpp_functions(text)
    return text.count("\n"), functions


def source_files(root):
    names = subprocess.run(
        ["git", "-C", root, "ls-files", "--cached", "--others", "--exclude-standard"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    paths = [root / name for name in names]
    return [path for path in paths if path.suffix in CPP_SUFFIXES | {".py"} and path.is_file()]


def summary(what, lengths):
    lengths = sorted(lengths) or [0]
    p90 = lengths[min(len(lengths) - 1, int(0.9 * len(lengths)))]
    return f"{what}: {len(lengths)}, median {statistics.median(lengths):.0f} lines, p90 {p90}, longest {lengths[-1]}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", nargs="?", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--longest", type=int, default=0, metavar="N", help="name the N longest files and functions")
    args = parser.parse_args()
    files, functions, complaints = [], [], 0
    for path in source_files(args.root):
        lines, found = measure(path)
        name = path.relative_to(args.root)
        files.append((lines, str(name)))
        functions += [(length, f"{name}:{line} {function}()") for function, line, length in found]
    for limit, lengths, advice in (
        (MAX_FILE_LINES, files, "split it by what its parts are about"),
        (MAX_FUNCTION_LINES, functions, "give its stages names"),
    ):
        for length, name in lengths:
            if length > limit:
                complaints += 1
                print(f"{name}: {length} lines, the limit is {limit}: {advice}", file=sys.stderr)
        for length, name in sorted(lengths, reverse=True)[: args.longest]:
            print(f"{length:5} {name}")
    print(summary("files", [length for length, _ in files]))
    print(summary("functions", [length for length, _ in functions]))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
