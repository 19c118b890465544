"""Tests check_isa.py on object files that are compiled here. A bad object file has one leak."""

import platform
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import check_isa

AVX2 = ["-mavx2", "-mfma", "-mf16c", "-mbmi2"]
AVX512 = [*AVX2, "-mavx512f", "-mavx512vl", "-mavx512bw"]
SUM = "void add(float* a, const float* b) { for (int i = 0; i < 64; ++i) a[i] += b[i]; }\n"
WIDE_SUM = f"#pragma GCC optimize(\"O3\")\n{SUM}"
FMA = "float f(float a, float b, float c) { return __builtin_fmaf(a, b, c); }\n"
SHIFT = "unsigned long f(unsigned long a, int n) { return a << n; }\n"
MASK = "#include <immintrin.h>\n__mmask8 f(__m256i a, __m256i b) { return _mm256_cmpeq_epi32_mask(a, b); }\n"
TWICE = "inline __attribute__((noinline)) int twice(int a) { return 2 * a; }\n"
USE = "int use(int a) { return twice(a); } }\n"
SHARED = "namespace moebius {\n" + TWICE + USE
NAMESPACED = "namespace moebius { inline namespace avx2 {\n" + TWICE + "}\n" + USE


@unittest.skipUnless(platform.machine() == "x86_64" and shutil.which("g++"), "needs g++ on x86-64")
class Isa(unittest.TestCase):
    def complaints(self, name, text, flags=()):
        with tempfile.TemporaryDirectory() as folder:
            objects = Path(folder) / "src/CMakeFiles/moebius_cpu.dir"
            objects.mkdir(parents=True)
            source = Path(folder) / name
            source.write_text(text)
            subprocess.run(["g++", "-O2", *flags, "-c", source, "-o", objects / f"{name}.o"], check=True)
            found, count = check_isa.check(Path(folder))
            self.assertEqual(count, 1)
            return found

    def assert_leak(self, word, name, text, flags=()):
        found = self.complaints(name, text, flags)
        self.assertEqual(len(found), 1, found)
        self.assertIn(word, found[0])

    def test_baseline_code_is_clean(self):
        self.assertEqual(self.complaints("linear.cpp", WIDE_SUM + SHIFT + FMA.replace(" f(", " g(")), [])

    def test_wide_registers_in_a_baseline_file_are_found(self):
        self.assert_leak("ymm", "linear.cpp", WIDE_SUM, AVX2)
        self.assert_leak("zmm", "linear.cpp", WIDE_SUM, [*AVX512, "-mprefer-vector-width=512"])

    def test_a_fused_multiply_add_in_a_baseline_file_is_found(self):
        self.assert_leak("vfmadd", "linear.cpp", FMA, ["-mfma"])

    def test_bmi_in_a_baseline_file_is_found(self):
        self.assert_leak("shlx", "linear.cpp", SHIFT, ["-mbmi2"])

    def test_avx512_in_the_avx2_file_is_found(self):
        self.assertEqual(self.complaints("isa_avx2.cpp", WIDE_SUM, AVX2), [])
        self.assert_leak("zmm", "isa_avx2.cpp", WIDE_SUM, [*AVX512, "-mprefer-vector-width=512"])
        self.assert_leak("%k", "isa_avx2.cpp", MASK, AVX512)

    def test_anything_goes_in_the_avx512_file(self):
        self.assertEqual(self.complaints("isa_avx512.cpp", WIDE_SUM, AVX512), [])

    def test_an_inline_function_in_an_isa_file_is_found(self):
        self.assert_leak("moebius::twice(int)", "isa_avx2.cpp", SHARED, AVX2)
        self.assert_leak("moebius::avx2::twice(int)", "isa_avx512.cpp", NAMESPACED, AVX512)

    def test_a_namespace_of_the_instruction_set_keeps_it_apart(self):
        self.assertEqual(self.complaints("isa_avx2.cpp", NAMESPACED, AVX2), [])

    def test_an_inline_function_elsewhere_is_welcome(self):
        self.assertEqual(self.complaints("linear.cpp", SHARED), [])


if __name__ == "__main__":
    unittest.main()
