"""Tests the labels of the tests (moebius_test in cmake/moebius.cmake): a program with threads has the label threads."""

import json
import os
import re
import subprocess
import unittest
from pathlib import Path

BUILD = Path(os.environ["MOEBIUS_PROGRAM"]).parent
# The symbols of the C and the C++ library that a program needs to start a thread.
STARTS_A_THREAD = re.compile(r"\b(pthread_create|_ZNSt6thread15_M_start_thread)")


def labels():
    """Returns name of each C++ test program -> the labels of its tests."""
    listed = json.loads(subprocess.check_output(["ctest", "--test-dir", BUILD, "--show-only=json-v1"], text=True))
    found = {}
    for test in listed["tests"]:
        properties = {item["name"]: item["value"] for item in test.get("properties", [])}
        # A test has the name of its program, or that of a shard of it.
        program = BUILD / re.sub(r"_\d+$", "", test["name"])
        if program.is_file():
            found[program.name] = set(properties.get("LABELS", []))
    return found


class Labels(unittest.TestCase):
    def test_programs_that_can_start_a_thread_are_labelled_threads_and_no_others(self):
        found = labels()
        self.assertIn("base_test", found)
        for name, own in found.items():
            needed = subprocess.check_output(["nm", "-D", "--undefined-only", BUILD / name], text=True)
            with self.subTest(program=name, hint="THREADS belongs to moebius_folder or moebius_test of such a program"):
                self.assertEqual("threads" in own, STARTS_A_THREAD.search(needed) is not None)


if __name__ == "__main__":
    unittest.main()
