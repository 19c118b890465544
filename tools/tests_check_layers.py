"""Tests check_layers.py on small trees of files. A bad tree breaks one rule."""

import tempfile
import unittest
from pathlib import Path

import check_layers


def complaints(files):
    """Writes the files of {path: list of includes} and returns the complaints of check()."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, includes in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(f'#include "{include}"\n' for include in includes))
        return check_layers.check(root)[0]


BACKEND = {"src/backend/backend.h": [], "src/backend/cpu/pack.h": [], "src/base/tensor.h": []}


class Layers(unittest.TestCase):
    def assert_refused(self, files, *words):
        found = complaints(files)
        self.assertEqual(len(found), 1, found)
        for word in words:
            self.assertIn(word, found[0])

    def test_a_layer_may_include_what_stands_above_it(self):
        self.assertEqual(complaints(BACKEND | {"src/model/mlp.cpp": ["backend/backend.h", "base/tensor.h"]}), [])

    def test_every_layer_may_throw_the_error_type(self):
        self.assertEqual(complaints({"include/moebius/error.h": [], "src/base/file.cpp": ["moebius/error.h"]}), [])

    def test_model_may_not_include_a_backend(self):
        files = BACKEND | {"src/model/mlp.cpp": ["backend/cpu/pack.h"]}
        self.assert_refused(files, "src/model/mlp.cpp:1", "make_backend")

    def test_make_backend_alone_may(self):
        self.assertEqual(complaints(BACKEND | {"src/load/make_backend.cpp": ["backend/cpu/pack.h"]}), [])
        self.assert_refused(BACKEND | {"src/engine/engine.cpp": ["backend/cpu/pack.h"]}, "engine.cpp")

    def test_an_app_may_not_include_a_backend(self):
        self.assert_refused(BACKEND | {"apps/bench/bench.cpp": ["backend/cpu/pack.h"]}, "apps/bench/bench.cpp")

    def test_one_backend_may_not_include_another(self):
        self.assert_refused(
            BACKEND | {"src/backend/reference/a.cpp": ["backend/cpu/pack.h"]}, "backend/reference", "backend.h"
        )

    def test_a_backend_may_not_include_a_model(self):
        self.assert_refused(
            {"src/model/config.h": [], "src/backend/cpu/a.cpp": ["model/config.h"]}, "may include base, quant"
        )

    def test_base_may_include_nothing_but_itself(self):
        self.assert_refused({"src/quant/affine.h": [], "src/base/a.cpp": ["quant/affine.h"]}, "src/base/a.cpp")

    def test_an_include_relative_to_the_file_is_seen(self):
        self.assert_refused({"src/quant/affine.h": [], "src/base/a.cpp": ["../quant/affine.h"]}, "src/base/a.cpp")

    def test_a_test_may_include_anything(self):
        files = {"tests/help.h": [], "src/model/mlp_test.cpp": ["backend/cpu/pack.h", "tests/help.h"]}
        self.assertEqual(complaints(BACKEND | files), [])

    def test_the_library_may_not_include_a_test(self):
        self.assert_refused({"tests/help.h": [], "src/base/a.cpp": ["tests/help.h"]}, "stays in tests")

    def test_the_library_may_not_include_test_support_that_stands_beside_it(self):
        self.assert_refused({"src/base/testing/a.h": [], "src/base/a.cpp": ["base/testing/a.h"]}, "stays in tests")

    def test_an_unknown_folder_is_refused(self):
        self.assert_refused({"src/extra/a.h": [], "src/extra/a.cpp": ["extra/a.h"]}, "no known layer")

    def test_a_ring_of_headers_is_named(self):
        self.assert_refused({"src/base/a.h": ["base/b.h"], "src/base/b.h": ["base/a.h"]}, "ring", "a.h -> src/base/b.h")

    def test_a_folder_inside_a_layer_may_be_a_layer_of_its_own(self):
        files = {"src/backend/cpu/kernels/vec.h": [], "src/backend/cpu/a.cpp": ["backend/cpu/kernels/vec.h"]}
        self.assertEqual(complaints(BACKEND | files), [])
        self.assert_refused(
            BACKEND | {"src/backend/cpu/kernels/vec.h": ["backend/cpu/pack.h"]}, "kernels/vec.h", "make_backend"
        )

    def test_one_wing_of_the_program_may_not_include_another(self):
        self.assert_refused({"apps/bench/a.h": [], "apps/talk/a.cpp": ["bench/a.h"]}, "apps/talk may include")

    def test_a_permission_that_nobody_uses_is_named(self):
        used = {(origin, goal) for origin, goals in check_layers.LAYERS.items() for goal in goals}
        self.assertEqual(check_layers.unused_permissions(used), [])
        found = check_layers.unused_permissions(used - {("model", "checkpoint")})
        self.assertEqual(len(found), 1)
        self.assertIn("model may include checkpoint", found[0])

    def test_the_table_itself_has_no_cycle(self):
        names = list(check_layers.LAYERS)
        for name, allowed in check_layers.LAYERS.items():
            self.assertLessEqual(allowed, set(names[: names.index(name)]), name)


if __name__ == "__main__":
    unittest.main()
