"""Tests ./do from outside. No test builds or installs anything."""

import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "do").read_text()
GROUPS = {
    name: set(packages.split())
    for name, packages in re.findall(r'^  \[(\w+)\]="([^"]*)"$', TEXT.split("readonly demo_dir")[0], re.M)
}
# A command of ./do -> the groups of packages that it asks for.
ASKS = {
    ("build",): {"core"},
    ("build", "release"): {"core"},
    ("build", "fuzz"): {"core", "fuzz"},
    ("demo",): {"core"},
    ("test",): {"core", "test"},
    ("lint",): {"core", "test", "format", "lint"},
    ("fmt",): {"format"},
    ("bench",): {"core"},
    ("bench", "--against", "HEAD"): {"core", "compare"},
    ("golden",): {"core", "golden"},
    ("soak",): {"core"},
    ("fuzz",): {"core", "fuzz"},
    ("check",): {"core", "test", "format", "lint"},
    ("setup",): set(GROUPS),
    ("setup", "fuzz", "format"): {"fuzz", "format"},
}
# A package -> a file that needs it, and the words in that file that show the need.
USES = {
    "binutils": ("tools/check_isa.py", '"objdump"'),
    "ca-certificates": ("do", "-m pip install"),
    "ccache": ("do", "CMAKE_CXX_COMPILER_LAUNCHER-ccache"),
    "clang-19": ("CMakePresets.json", "clang++-19"),
    "clang-format-19": ("do", "xargs -r clang-format-19"),
    "clang-tidy-19": ("tools/run_tidy.py", '"clang-tidy-19"'),
    "cmake": ("do", "cmake --preset"),
    "g++": ("CMakeLists.txt", "LANGUAGES CXX"),
    "git": ("do", "git ls-files"),
    "libclang-rt-19-dev": ("tests/fuzz/CMakeLists.txt", "-fsanitize=fuzzer"),
    "libcli11-dev": ("CMakeLists.txt", "find_package(CLI11 "),
    "libedit-dev": ("CMakeLists.txt", " libedit)"),
    "libfmt-dev": ("CMakeLists.txt", "find_package(fmt "),
    "libgmock-dev": ("cmake/moebius.cmake", "GTest::gmock"),
    "libgtest-dev": ("CMakeLists.txt", "find_package(GTest "),
    "libpcre2-dev": ("CMakeLists.txt", " libpcre2-8)"),
    "librapidcheck-dev": ("CMakeLists.txt", "find_package(rapidcheck "),
    "libutf8proc-dev": ("CMakeLists.txt", " libutf8proc)"),
    "libxxhash-dev": ("src/base/hash.cpp", "#include <xxhash.h>"),
    "ninja-build": ("CMakePresets.json", '"Ninja"'),
    "nlohmann-json3-dev": ("CMakeLists.txt", "find_package(nlohmann_json "),
    "pkg-config": ("CMakeLists.txt", "find_package(PkgConfig "),
    "python3": ("do", "python3 tools/"),
    "python3-venv": ("do", "python3 -m venv"),
}
FAKES = {
    # Says that every package is installed when $INSTALLED is set. Says nothing otherwise.
    "dpkg-query": 'shift 3; [ -z "$INSTALLED" ] || printf "installed %s\\n" "$@"',
    # Logs what it is asked to install, and fails. ./do ends there.
    "apt-get": 'case "$*" in *install*) echo "$@" >>"$LOG"; exit 1 ;; esac',
    "sudo": '[ "$1" != -n ] || shift; exec "$@"',
}


def do(*arguments, **environment):
    return subprocess.run([ROOT / "do", *arguments], capture_output=True, text=True, env=os.environ | environment)


class Do(unittest.TestCase):
    def test_help_names_every_command_and_every_group(self):
        page = do("help").stdout
        self.assertEqual(set(re.findall(r"^  \./do (\w+)", page, re.M)), set(re.findall(r"^cmd_(\w+)\(\)", TEXT, re.M)))
        self.assertEqual(set(re.search(r"groups: ([\w ]+)", page).group(1).split()), set(GROUPS))

    def test_help_is_what_no_argument_shows(self):
        self.assertEqual(do().stdout, do("help").stdout)

    def test_an_unknown_command_is_a_usage_error(self):
        result = do("frobnicate")
        self.assertEqual(result.returncode, 2)
        self.assertIn("frobnicate", result.stderr)


class Packages(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.log = Path(folder.name) / "log"
        for name, script in FAKES.items():
            path = Path(folder.name) / name
            path.write_text(f"#!/bin/sh\n{script}\n")
            path.chmod(0o755)
        self.path = f"{folder.name}:{os.environ['PATH']}"

    def do(self, *arguments, **environment):
        """Returns the result, and the packages that ./do would install. They are None when apt-get install was not
        run."""
        self.log.unlink(missing_ok=True)
        result = do(*arguments, PATH=self.path, LOG=str(self.log), **environment)
        if not self.log.exists():
            return result, None
        words = self.log.read_text().split()
        return result, {word for word in words[words.index("install") :] if word != "install" and word[0] != "-"}

    def test_each_command_installs_its_groups_and_nothing_else(self):
        for command, groups in ASKS.items():
            with self.subTest(command=command):
                _, installed = self.do(*command)
                self.assertEqual(installed, set().union(*(GROUPS[group] for group in groups)))

    def test_the_table_above_has_every_command(self):
        commands = set(re.findall(r"^cmd_(\w+)\(\)", TEXT, re.M))
        self.assertEqual({command for command, *_ in ASKS}, commands - {"help"})

    def test_nothing_is_installed_where_nothing_is_missing(self):
        result, installed = self.do("setup", INSTALLED="1")
        self.assertEqual((result.returncode, installed), (0, None), result.stderr)

    def test_an_unknown_group_is_a_usage_error_that_names_the_groups(self):
        result, installed = self.do("setup", "cuda")
        self.assertEqual((result.returncode, installed), (2, None))
        for name in ("cuda", *GROUPS):
            self.assertIn(name, result.stderr)

    def test_every_package_is_used(self):
        self.assertEqual(set(USES), set().union(*GROUPS.values()))
        for package, (name, words) in USES.items():
            with self.subTest(package=package):
                self.assertIn(words, (ROOT / name).read_text())


if __name__ == "__main__":
    unittest.main()
