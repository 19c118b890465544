"""Runs a tiny checkpoint through every command. Their reports must agree with the files and with each other."""

import json
import struct
import unittest
from pathlib import Path

from support import TestCase, edit_config, read_safetensors, rows_of

PROMPT = list(range(5, 105))
ROW_KEYS = {
    "experts", "test", "s", "context", "ms_median", "ms_min", "ms_max", "tok_s", "bytes", "gb_s", "bandwidth_pct",
    "experts_mean",
}  # fmt: skip


def join(tokens):
    return ",".join(map(str, tokens))


class Inspect(TestCase):
    def test_it_adds_up(self):
        report = json.loads(self.succeed("inspect", self.tiny, "--json", "--tensors", "").stdout)
        (file,) = self.tiny.glob("*.safetensors")
        stored = read_safetensors(file)
        self.assertEqual(len(report["tensors"]), len(stored))
        self.assertEqual(sum(t["bytes"] for t in report["tensors"]), sum(len(t[2]) for t in stored.values()))
        self.assertEqual(report["weight_bytes"], sum(m["bytes"] for m in report["modules"]))
        self.assertEqual(report["parameters"], sum(m["parameters"] for m in report["modules"]))
        self.assertAlmostEqual(report["bits_per_weight"], 8 * report["weight_bytes"] / report["parameters"], 3)
        memory = report["memory"]
        parts = ("weight_bytes", "kv_bytes", "recurrent_bytes", "workspace_bytes")
        self.assertEqual(memory["total_bytes"], sum(memory[part] for part in parts))

    def test_the_context_is_the_model_s_own_up_to_a_bound(self):
        copy = self.copy_of_tiny()
        for positions, arguments, context in (
            (100, (), 100), (4096, (), 4096), (1 << 20, (), 32768), (1 << 20, ("--ctx", 65536), 65536),
            (100, ("--ctx", 65536), 100),
        ):  # fmt: skip
            with self.subTest(positions=positions, arguments=arguments):
                edit_config(copy, max_position_embeddings=positions)
                report = json.loads(self.succeed("inspect", copy, "--json", *arguments).stdout)
                self.assertEqual(report["memory"]["context"], context)

    def test_parameters_do_not_depend_on_how_they_are_stored(self):
        plain = self.folder / "plain"
        self.succeed("synth", "--preset", "tiny", "--bits", 16, plain)
        reports = [json.loads(self.succeed("inspect", d, "--json").stdout) for d in (plain, self.tiny)]
        self.assertEqual(reports[0]["parameters"], reports[1]["parameters"])
        self.assertEqual(reports[0]["active_parameters"], reports[1]["active_parameters"])
        self.assertEqual(list(reports[0]["expert_forms"]), ["fused gate_up_proj"])
        self.assertEqual(list(reports[1]["expert_forms"]), ["stacked switch_mlp, quantized"])

    def test_tensors_lists_those_with_the_text_in_their_name(self):
        lines = self.succeed("inspect", self.tiny, "--tensors", "layers.2.mlp").stdout.splitlines()
        self.assertTrue(lines)
        for line in lines:
            self.assertTrue(line.startswith("model.layers.2.mlp"), line)

    def test_half_the_bytes_for_keys_and_values_in_f16(self):
        wide, half = (
            json.loads(self.succeed("inspect", self.tiny, "--json", "--kv", kv).stdout)["memory"]["kv_bytes"]
            for kv in ("f32", "f16")
        )
        self.assertLess(half, 0.6 * wide)


class Families(TestCase):
    """Runs each family that synth can make through the commands that read its config."""

    PRESETS = ("tiny-qwen3.5", "tiny-qwen3-next", "tiny-qwen3-moe")

    def made(self, preset, bits):
        directory = self.folder / f"{preset}-{bits}"
        self.succeed("synth", "--preset", preset, "--bits", bits, directory)
        return directory

    def test_the_doctor_finds_the_same_bits_every_way(self):
        for preset in self.PRESETS:
            with self.subTest(preset):
                self.succeed("doctor", self.made(preset, 4))

    def test_inspect_says_what_the_layers_are(self):
        reports = {p: json.loads(self.succeed("inspect", self.made(p, 16), "--json").stdout) for p in self.PRESETS}
        dense, hybrid, full = (reports[preset] for preset in self.PRESETS)
        self.assertEqual((dense["dense_layers"], dense["dense_width"], dense["experts"]), (4, 384, 0))
        self.assertEqual(dense["active_parameters"], dense["parameters"])
        self.assertEqual(hybrid["expert_forms"], {"one tensor an expert": 4})
        self.assertEqual(full["linear_attention_layers"], 0)
        self.assertEqual(full["memory"]["recurrent_bytes"], 0)
        self.assertLess(full["active_parameters"], full["parameters"])

    def test_inspect_says_it_to_people(self):
        text = {p: self.succeed("inspect", self.made(p, 4)).stdout for p in self.PRESETS}
        self.assertIn("width 384 in 4 layers", text["tiny-qwen3.5"])
        self.assertNotIn("experts", text["tiny-qwen3.5"].split("memory at")[0])
        self.assertIn("8 of width 128 in 4 layers, 2 per token, shared one of 256", text["tiny-qwen3-next"])
        self.assertNotIn("linear attention  ", text["tiny-qwen3-moe"])

    def test_bench_counts_routed_experts_alone(self):
        for preset, experts in (("tiny-qwen3.5", 0), ("tiny-qwen3-moe", 2)):
            report = self.succeed(
                "bench", self.made(preset, 4), "--json", "--reps", 1, "--s", 1, "--context", 0, "--experts", "fused"
            )
            for row in json.loads(report.stdout)["rows"]:
                self.assertEqual(row["experts_mean"], experts, (preset, row["test"]))

    def test_quantize_makes_a_checkpoint_that_runs(self):
        for preset in self.PRESETS:
            with self.subTest(preset):
                quantized = self.folder / f"{preset}-quantized"
                self.succeed("quantize", self.made(preset, 16), quantized, "--bits", 4)
                self.succeed("generate", quantized, "--tokens", "1,2,3", "--max-tokens", 4)


class LogitsCase(TestCase):
    def logits(self, *arguments, tokens=None):
        out = self.folder / "logits.safetensors"
        self.succeed("logits", self.tiny, "--tokens", join(tokens or PROMPT), "--out", out, *arguments)
        return out.read_bytes()


class Logits(LogitsCase):
    def test_the_file_holds_logits_and_tokens(self):
        self.logits()
        tensors = read_safetensors(self.folder / "logits.safetensors")
        self.assertEqual(set(tensors), {"logits", "tokens"})
        self.assertEqual(tensors["logits"][:2], ("F32", [100, 1024]))
        self.assertEqual(tensors["tokens"][:2], ("I32", [100]))
        self.assertEqual(list(struct.unpack("<100i", tensors["tokens"][2])), PROMPT)

    def test_the_bits_do_not_depend_on_chunks_threads_experts_or_instruction_set(self):
        expected = self.logits()
        for arguments in (
            ("--chunk", 1), ("--chunk", 7), ("--chunk", 16), ("--chunk", 70), ("--chunk", 100), ("--threads", 1),
            ("--experts", "unfused"), ("--experts", "concat"), ("--isa", "portable"), ("--backend", "reference"),
        ):  # fmt: skip
            with self.subTest(arguments=arguments):
                self.assertEqual(self.logits(*arguments), expected)

    def test_tokens_come_from_a_file_too(self):
        ids = self.folder / "ids.txt"
        ids.write_text("\n".join(map(str, PROMPT)) + "\n")
        expected = self.logits()
        out = self.folder / "from_file.safetensors"
        self.succeed("logits", self.tiny, "--tokens", f"@{ids}", "--out", out)
        self.assertEqual(out.read_bytes(), expected)

    def test_an_output_file_is_replaced_and_no_other_is_left(self):
        out = self.folder / "logits.safetensors"
        out.write_bytes(b"old")
        self.logits(tokens=[1])
        self.assertEqual(read_safetensors(out)["logits"][1], [1, 1024])
        self.assertEqual(list(self.folder.iterdir()), [out])

    def test_trace_holds_the_residual_after_each_layer_whatever_the_chunks(self):
        traces = []
        for chunk in (64, 7):
            trace = self.folder / f"trace{chunk}.safetensors"
            self.logits("--trace", trace, "--chunk", chunk)
            traces.append(read_safetensors(trace))
        self.assertEqual(set(traces[0]), {f"layer.{i}" for i in range(4)})
        for tensor in traces[0].values():
            self.assertEqual(tensor[:2], ("F32", [100, 256]))
        self.assertEqual(traces[0], traces[1])
        self.assertEqual(len({tensor[2] for tensor in traces[0].values()}), 4)


class Mxfp4(TestCase):
    def test_it_is_made_counted_and_proven(self):
        model = self.folder / "mxfp4"
        self.succeed("synth", "--preset", "tiny", "--mode", "mxfp4", model)
        modules = json.loads(self.succeed("inspect", model, "--json").stdout)["modules"]
        formats = {module["format"] for module in modules}
        self.assertEqual(formats, {"mxfp4", "8 bits, group 64, BF16 scales", "BF16", "F32"})
        report = json.loads(self.succeed("doctor", model, "--json").stdout)
        self.assertEqual(report["summary"]["fail"], 0)

    def test_its_bits_are_not_for_choosing(self):
        for option in (("--bits", 4), ("--group-size", 32)):
            self.fail_with(2, "synth", "--preset", "tiny", "--mode", "mxfp4", *option, self.folder / "other")


class DraftHead(TestCase):
    """Tests what the option --mtp says and writes. tests/golden compares the logits with other programs."""

    GOLDENS = Path(__file__).parent.parent / "golden/checkpoints"

    def arguments(self, model, *more):
        self.out = self.folder / "logits.safetensors"
        return ["logits", self.GOLDENS / model, "--tokens", "1,2,3,4,5", "--out", self.out, *more]

    def test_its_logits_are_a_row_less_and_the_same_from_any_directory(self):
        self.succeed(*self.arguments("mtp_qwen3_5_moe", "--mtp"))
        bundled = read_safetensors(self.out)
        self.assertEqual(bundled["mtp_logits"][:2], ("F32", [4, 53]))
        for form in ("hf", "mlx"):
            head = self.GOLDENS / f"mtp_qwen3_5_moe_head_{form}"
            self.succeed(*self.arguments("mtp_qwen3_5_moe_mlx", "--mtp", head, "--chunk", 2))
            self.assertEqual(read_safetensors(self.out), bundled)

    def test_a_checkpoint_without_one_says_so(self):
        result = self.fail_with(65, *self.arguments("mtp_qwen3_5_moe_mlx", "--mtp"))
        self.assertIn("mtp.fc", result.stderr)
        self.assertFalse(self.out.exists())

    def test_a_step_with_it_is_not_longer_than_its_rows_of_logits(self):
        self.fail_with(2, *self.arguments("mtp_qwen3_5_moe", "--mtp", "--chunk", 65))


class Generate(LogitsCase):
    def test_each_token_is_the_largest_logit_of_what_came_before(self):
        result = self.succeed("generate", self.tiny, "--tokens", join(PROMPT), "--max-tokens", 3)
        tokens = [int(line) for line in result.stdout.splitlines()]
        self.assertEqual(len(tokens), 3)
        self.logits(tokens=PROMPT + tokens[:2])
        rows = rows_of(read_safetensors(self.folder / "logits.safetensors")["logits"])
        for token, row in zip(tokens, rows[len(PROMPT) - 1 :]):
            self.assertEqual(token, row.index(max(row)))

    def test_a_context_beyond_the_model_s_is_told_at_load_and_never_advised(self):
        told = self.succeed("generate", self.tiny, "--tokens", 1, "--max-tokens", 1, "--ctx", 65536).stderr
        self.assertIn("the model has 4096 positions, not the 65536 that were asked for: ctx 4096", told)
        self.assertIn(", ctx 4096, ", told)
        result = self.fail_with(2, "generate", self.tiny, "--tokens", 1, "--max-tokens", 5000)
        self.assertIn("give fewer tokens: the model has 4096 positions", result.stderr)
        self.assertNotIn("--ctx", result.stderr)
        copy = self.copy_of_tiny()
        edit_config(copy, max_position_embeddings=1 << 20)
        result = self.fail_with(2, "generate", copy, "--tokens", 1, "--max-tokens", 40000)
        self.assertIn("give --ctx 40000", result.stderr)

    def test_it_ends_at_a_stop_id(self):
        first, second = self.succeed("generate", self.tiny, "--tokens", "7", "--max-tokens", 2).stdout.split()
        self.assertNotEqual(first, second)
        copy = self.copy_of_tiny()
        (copy / "generation_config.json").write_text(json.dumps({"eos_token_id": [int(second)]}))
        report = json.loads(self.succeed("generate", copy, "--tokens", "7", "--json").stdout)
        self.assertEqual(report["tokens"], [int(first), int(second)])
        self.assertEqual(report["end"], "stop")
        self.assertEqual(report["prompt_tokens"], 1)


class Bench(TestCase):
    def test_the_json_is_the_documented_one(self):
        result = self.succeed(
            "bench", self.tiny, "--json", "--reps", 3, "--context", 40, "--prefill", 50, "--s", "1,16", "--threads", 2)
        report = json.loads(result.stdout)
        self.assertEqual(set(report), {"machine", "model", "rows", "peak_rss_bytes", "load_s"})
        self.assertEqual(set(report["machine"]), {"cpu", "isa", "threads", "read_gb_s"})
        self.assertEqual(set(report["model"]), {"name", "layers", "weight_bytes"})
        self.assertEqual(report["machine"]["threads"], 2)
        self.assertEqual((report["model"]["name"], report["model"]["layers"]), ("tiny", 4))
        self.assertGreater(report["peak_rss_bytes"], report["model"]["weight_bytes"])
        shapes = [(r["test"], r["s"], r["context"]) for r in report["rows"][::3]]
        self.assertEqual(shapes, [("decode", 1, 40), ("verify", 16, 40), ("moe_layer", 1, 0), ("prefill", 50, 0)])
        for row in report["rows"]:
            self.check_row(row)
        self.check_arms(report["rows"])

    def test_drafts_are_compared_with_plain_tokens(self):
        result = self.succeed(
            "bench", self.tiny, "--json", "--reps", 2, "--s", 1, "--drafts", "1,3", "--experts", "fused")
        drafts = [row for row in json.loads(result.stdout)["rows"] if row["test"] == "draft"]
        self.assertEqual([row["s"] for row in drafts], [2, 4])
        for row in drafts:
            self.assertGreater(row["plain_tokens"], 0)

    def check_row(self, row):
        self.assertEqual(set(row), ROW_KEYS)
        self.assertLessEqual(row["ms_min"], row["ms_median"])
        self.assertLessEqual(row["ms_median"], row["ms_max"])
        rounding = 0.0001 / row["ms_median"]  # a layer of a tiny model takes microseconds
        self.assertAlmostEqual(row["tok_s"] * row["ms_median"] / 1000 / row["s"], 1, delta=0.001 + rounding)
        for key in ("ms_min", "bytes", "gb_s", "bandwidth_pct"):
            self.assertGreater(row[key], 0, key)

    def check_arms(self, rows):
        for i in range(0, len(rows), 3):
            arms = rows[i : i + 3]
            self.assertEqual([r["experts"] for r in arms], ["unfused", "concat", "fused"])
            self.assertEqual(len({(r["bytes"], r["experts_mean"]) for r in arms}), 1, "the arms did equal work")
        for row in rows:
            if row["s"] == 1:
                self.assertEqual(row["experts_mean"], 2)

    def test_operations_add_up_to_the_step(self):
        chart = self.folder / "ops.svg"
        result = self.succeed("bench", self.tiny, "--json", "--reps", 3, "--s", 1, "--experts", "fused", "--svg", chart)
        report = json.loads(result.stdout)
        ops = [op for op in report["ops"] if op["test"] == "decode"]
        (row,) = [row for row in report["rows"] if row["test"] == "decode"]
        self.assertEqual(sum(op["bytes"] for op in ops), row["bytes"])
        self.assertTrue({"experts", "router", "attention", "delta_net", "linear lm_head"} <= {op["op"] for op in ops})
        self.assertEqual([op["calls"] for op in ops if op["op"] == "experts"], [4])
        self.assertIn("linear lm_head", chart.read_text())

    def test_a_chart_that_cannot_be_written_is_known_before_the_work(self):
        result = self.fail_with(1, "bench", self.tiny, "--svg", self.folder)
        self.assertNotIn("loading", result.stderr)

    def test_the_paths_come_in_the_order_asked_for(self):
        result = self.succeed("bench", self.tiny, "--json", "--reps", 1, "--s", 2, "--experts", "fused,unfused")
        rows = json.loads(result.stdout)["rows"]
        self.assertEqual([r["experts"] for r in rows], ["fused", "unfused"] * 2)

    def test_the_table_gives_ratios_against_fused(self):
        result = self.succeed("bench", self.tiny, "--reps", 2, "--s", 1)
        self.assertRegex(result.stdout, r"decode +s 1 +unfused / fused +\d+\.\d+ +\(")


if __name__ == "__main__":
    unittest.main()
