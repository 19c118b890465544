"""Tests check_sizes.py on small sources whose functions are known."""

import unittest
from pathlib import Path

import check_sizes

CPP = r'''
#define OPEN {   \
  {
namespace moebius {
namespace {
constexpr int kTable[] = {1, 2, {3}};
struct Point { int x = 0; int norm() const { return x; } };
enum class Kind : uint8_t { kA, kB };
}  // namespace
// a brace in a comment {
Point make(const Point& p = {}, int n = 1'000'000) {
  const char* s = "}{";
  char c = '{';
  auto raw = R"x(}})x";
  auto twice = [](int a) { return 2 * a; };
  if (n) { return {twice(n)}; }
  return p;
}
struct Point origin() { return {}; }
Thing::Thing(int a) : a_(a), b_{a}, c_(f({a})) {
  work();
}
Thing::Thing() noexcept
    : a_{1} {}
Thing::~Thing() { close(); }
template <typename T>
  requires std::integral<T>
auto add(T a, T b) -> decltype(a + b) {
  return a + b;
}
bool Thing::operator()(int a) const noexcept { return a; }
__attribute__((noinline)) void Thing::slow() && {
}
extern "C" int entry(const uint8_t* data) {
  return 0;
}
extern "C" {
int other();
}
TEST(Sizes, count) {
}
}  // namespace moebius
'''


class CppFunctions(unittest.TestCase):
    def test_finds_every_function_with_its_length(self):
        found = [(name, lines) for name, _, lines in check_sizes.cpp_functions(CPP)]
        self.assertEqual(
            found,
            [("norm", 1), ("make", 8), ("origin", 1), ("Thing::Thing", 3), ("Thing::Thing", 2), ("Thing::~Thing", 1)]
            + [("add", 5), ("Thing::operator()", 1), ("Thing::slow", 2), ("entry", 3), ("TEST", 2)],
        )

    def test_first_line_is_where_the_declaration_begins(self):
        self.assertEqual(check_sizes.cpp_functions("\n\nint\nf() {\n}\n"), [("f", 3, 3)])

    def test_a_long_function_is_measured_whole(self):
        text = "void f() {\n" + "  g({1});\n" * 150 + "}\n"
        self.assertEqual(check_sizes.cpp_functions(text), [("f", 1, 152)])


class PythonFunctions(unittest.TestCase):
    def test_measures_methods_and_nested_functions(self):
        text = "class A:\n    def f(self):\n        def g():\n            pass\n        return g\n"
        self.assertEqual(check_sizes.python_functions(text), [("f", 2, 4), ("g", 3, 2)])


class Tree(unittest.TestCase):
    def test_this_file_is_found_and_measured(self):
        root = Path(__file__).resolve().parent.parent
        self.assertIn(Path(__file__).resolve(), check_sizes.source_files(root))


if __name__ == "__main__":
    unittest.main()
