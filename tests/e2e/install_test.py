"""What `cmake --install` leaves: a program that runs, a library that the README's example links in three ways, headers
that stand alone, and no symbol of the library's insides."""

import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from support import PROGRAM

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(PROGRAM).parent


# A program that catches what the library throws.
CATCHES = """
#include <moebius/engine.h>
#include <moebius/version.h>

#include <iostream>

int main() {
  try {
    moebius::Engine::load("Qwen/No-Such-Model");
  } catch (const moebius::Error& error) {
    std::cout << moebius::build_info().version << ' ' << name(error.code()) << ' ' << error.hint() << '\\n';
  }
}
"""


def command(*arguments, **options):
    result = subprocess.run(
        [str(argument) for argument in arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    if result.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, arguments))}: exit {result.returncode}\n{result.stdout}")
    return result.stdout


def readme_block(language):
    """The one fenced block of README.md in this language."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / "README.md").read_text(), re.M | re.S)
    assert len(blocks) == 1, f"README.md has {len(blocks)} blocks of {language}"
    return blocks[0]


class Installed(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        cls.prefix = Path(cls.folder.name) / "usr"
        command("cmake", "--install", BUILD, "--prefix", cls.prefix)
        cls.library = next(cls.prefix.rglob("libmoebius.so"))
        cls.environment = {**os.environ, "PKG_CONFIG_PATH": str(cls.library.parent / "pkgconfig"),
                           "LD_LIBRARY_PATH": str(cls.library.parent)}

    def consumer(self, cmake, source=None):
        """A folder with the README's example, or another program, and this CMakeLists.txt."""
        folder = Path(tempfile.mkdtemp(dir=self.folder.name))
        (folder / "ask.cpp").write_text(source or readme_block("cpp"))
        (folder / "CMakeLists.txt").write_text(cmake)
        return folder

    def expect_answer(self, program):
        self.assertIn("= 21", command(program, cwd=ROOT, env=self.environment))

    def build(self, cmake, source=None):
        folder = self.consumer(cmake, source)
        command("cmake", "-S", folder, "-B", folder / "build", f"-DCMAKE_PREFIX_PATH={self.prefix}")
        command("cmake", "--build", folder / "build")
        return folder / "build/ask"

    def test_the_program_runs(self):
        self.assertEqual(command(self.prefix / "bin/moebius", "--version"), command(PROGRAM, "--version"))

    def test_the_readme_example_links_the_shared_library(self):
        program = self.build(readme_block("cmake"))
        self.expect_answer(program)
        self.assertIn("libmoebius.so", command("ldd", program, env=self.environment))

    def test_the_readme_example_links_the_static_library(self):
        cmake = readme_block("cmake").replace("moebius REQUIRED", "moebius REQUIRED COMPONENTS static")
        program = self.build(cmake.replace("moebius::moebius", "moebius::static"))
        self.expect_answer(program)
        self.assertNotIn("libmoebius.so", command("ldd", program, env=self.environment))

    def test_errors_cross_the_border_of_the_library(self):
        said = command(self.build(readme_block("cmake"), CATCHES), env=self.environment)
        self.assertRegex(said, r"^\d+\.\d+\.\d+ missing_input .*`hf download Qwen/No-Such-Model --local-dir")

    def test_pkg_config_knows_what_to_link(self):
        folder = self.consumer("")
        flags = command("pkg-config", "--cflags", "--libs", "moebius", env=self.environment).split()
        command("g++", folder / "ask.cpp", "-o", folder / "ask", *flags)
        self.expect_answer(folder / "ask")

    def test_every_header_stands_alone(self):
        headers = sorted((self.prefix / "include/moebius").glob("*.h"))
        self.assertEqual([header.name for header in headers],
                         sorted(header.name for header in (ROOT / "include/moebius").glob("*.h")))
        for header in headers:
            command("g++", "-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only",
                    "-I", self.prefix / "include", "-include", header, "-x", "c++", "/dev/null")

    def test_the_shared_library_shows_nothing_of_its_insides(self):
        shown = [line for line in command("nm", "-DC", "--defined-only", self.library).splitlines() if "moebius::" in line]
        self.assertTrue(any("moebius::Engine::load" in line for line in shown))
        self.assertEqual([line for line in shown if "moebius::internal" in line], [])


if __name__ == "__main__":
    unittest.main()
