#!/usr/bin/env python3
"""Counts test cases in ctest's JUnit reports and ends with one line: N passed, N failed.

One ctest test is one program. The number of its cases is read from its output: GoogleTest and Python's unittest print
how many they ran. A program that prints no such number counts as one case. A failed program counts as at least one
failure, whatever it printed, because it may have crashed. A skipped case never counts as passed. stderr says how many
cases each program skipped, and names the first three.
"""

import argparse
import re
import sys
import xml.etree.ElementTree as ElementTree


def count(output, ok):
    """Returns (passed, failed, skipped names) of one program. `ok` says whether ctest counts the program as passed."""
    skipped = sorted(set(re.findall(r"^\[  SKIPPED \] ([\w/]+\.[\w/]+)", output, re.M)))
    ran = re.search(r"^\[==========\] \d+ tests? from \d+ test suites? ran\.", output, re.M)
    unittest = re.search(r"^Ran (\d+) tests? in ", output, re.M)
    if ran:
        passed = int(re.search(r"^\[  PASSED  \] (\d+) tests?\.", output, re.M).group(1))
        failed = re.search(r"^ *(\d+) FAILED TESTS?$", output, re.M)
        failed = int(failed.group(1)) if failed else 0
    elif unittest:
        numbers = dict(re.findall(r"(failures|errors|skipped|unexpected successes)=(\d+)", output[unittest.end() :]))
        failed = sum(int(numbers.get(key, 0)) for key in ("failures", "errors", "unexpected successes"))
        skipped = re.findall(r"^(\S+) .*\.\.\. skipped", output, re.M)
        passed = int(unittest.group(1)) - failed - int(numbers.get("skipped", 0))
    else:  # a plain program, or a GoogleTest program that crashed
        passed = len(re.findall(r"^\[       OK \]", output, re.M)) if not ok else 1
        failed = 0
    return passed, failed if ok else max(failed, 1), skipped


def count_report(path):
    passed = failed = 0
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name, ok = case.get("name"), case.get("status") == "run"
        p, f, skipped = count(case.findtext("system-out") or "", ok)
        passed, failed = passed + p, failed + f
        if f:
            print(f"failed: {name} ({f})", file=sys.stderr)
        if skipped:
            print(f"SKIPPED: {len(skipped)} of {name}: {', '.join(skipped[:3])}", file=sys.stderr)
    return passed, failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reports", nargs="*", help="files of ctest --output-junit")
    parser.add_argument("--passed", type=int, default=0, help="add this many that passed elsewhere")
    parser.add_argument("--failed", type=int, default=0, help="add this many that failed elsewhere")
    args = parser.parse_args()
    passed, failed = args.passed, args.failed
    for path in args.reports:
        try:
            p, f = count_report(path)
        except (OSError, ElementTree.ParseError) as error:
            print(f"failed: no report ({error})", file=sys.stderr)
            p, f = 0, 1
        passed, failed = passed + p, failed + f
    sys.stderr.flush()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
