#!/usr/bin/env python3
"""Counts test cases in ctest's JUnit reports and ends with one line: N passed, N failed.

One ctest test is one program. Its cases are read from what it printed: GoogleTest and Python's unittest say how many
they ran; a program that says nothing of the kind is one case. A program that failed counts as at least one failure,
whatever it printed: it may have crashed. Skipped cases are never counted as passed; stderr says how many each program
skipped, and names the first three.
"""

import argparse
import re
import sys
import xml.etree.ElementTree as ElementTree


def count(output, ok):
    """(passed, failed, skipped names) of one program from its output and whether ctest says it passed."""
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
    else:  # plain programs, and a GoogleTest program that crashed on the way
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
