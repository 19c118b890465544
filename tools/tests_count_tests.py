"""Tests count_tests.py on outputs like those of GoogleTest and unittest."""

import tempfile
import unittest
from pathlib import Path

import count_tests

GTEST_OK = """[==========] Running 3 tests from 1 test suite.
[       OK ] Quant.packs (0 ms)
[  SKIPPED ] Quant.avx512 (0 ms)
[==========] 3 tests from 1 test suite ran. (1 ms total)
[  PASSED  ] 2 tests.
[  SKIPPED ] 1 test, listed below:
[  SKIPPED ] Quant.avx512
"""
GTEST_FAILED = """[==========] 3 tests from 2 test suites ran. (1 ms total)
[  PASSED  ] 1 test.
[  FAILED  ] 2 tests, listed below:
[  FAILED  ] Quant.a
[  FAILED  ] Quant.b

 2 FAILED TESTS
"""
GTEST_CRASHED = "[==========] Running 9 tests from 1 test suite.\n[       OK ] Quant.a (0 ms)\n[ RUN      ] Quant.b\n"
UNITTEST_OK = """test_a (x.A.test_a) ... ok
test_b (x.A.test_b) ... skipped 'no'

Ran 2 tests in 0.1s

OK (skipped=1)
"""
UNITTEST_FAILED = "Ran 5 tests in 0.1s\n\nFAILED (failures=1, errors=2)\n"


class Count(unittest.TestCase):
    def test_googletest(self):
        self.assertEqual(count_tests.count(GTEST_OK, ok=True), (2, 0, ["Quant.avx512"]))
        self.assertEqual(count_tests.count(GTEST_FAILED, ok=False), (1, 2, []))

    def test_a_crash_is_a_failure_and_keeps_what_passed(self):
        self.assertEqual(count_tests.count(GTEST_CRASHED, ok=False), (1, 1, []))

    def test_a_failure_after_a_green_summary_counts(self):
        self.assertEqual(count_tests.count(GTEST_OK, ok=False), (2, 1, ["Quant.avx512"]))

    def test_unittest(self):
        self.assertEqual(count_tests.count(UNITTEST_OK, ok=True), (1, 0, ["test_b"]))
        self.assertEqual(count_tests.count(UNITTEST_FAILED, ok=False), (2, 3, []))

    def test_a_silent_program_is_one_case(self):
        self.assertEqual(count_tests.count("", ok=True), (1, 0, []))
        self.assertEqual(count_tests.count("", ok=False), (0, 1, []))

    def test_a_report_is_summed_over_its_programs(self):
        report = '<testsuite><testcase name="a" status="run"><system-out>{}</system-out></testcase>'
        report += '<testcase name="b" status="fail"><system-out></system-out></testcase></testsuite>'
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "tests.xml"
            path.write_text(report.format(GTEST_OK))
            self.assertEqual(count_tests.count_report(path), (2, 1))


if __name__ == "__main__":
    unittest.main()
