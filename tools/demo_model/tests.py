"""Tests of the recipe: python3 tests.py. The replacements for functions of transformers are compared with those."""

import pathlib
import random
import tempfile
import unittest

import torch

import calls
import dialogs
import fake_quant
import model as demo
import split
import text
import tools

TRANSFORMERS_RULE = demo.modeling.torch_chunk_gated_delta_rule
TRANSFORMERS_EXPERTS = demo.modeling.Qwen3_5MoeExperts.forward


def small_encoder():
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "tokenizer.json"
        text.train_tokenizer(path, 1024, documents=200)
        return text.Encoder(path)


def lively_model():
    """Makes a model whose weights are so large that every part shows in the logits."""
    torch.manual_seed(3)
    made = demo.Model(demo.text_config(tiny=True)).eval()
    with torch.no_grad():
        for parameter in demo.published(made).values():
            if parameter.dim() >= 2:
                parameter.copy_(torch.randn_like(parameter) / parameter.shape[-1] ** 0.5)
    return made


class Replacements(unittest.TestCase):
    def test_delta_rule_is_that_of_transformers(self):
        torch.manual_seed(1)
        query, key = torch.randn(2, 150, 2, 32), torch.randn(2, 150, 2, 32)
        value, g, beta = torch.randn(2, 150, 4, 16), -torch.rand(2, 150, 4), torch.rand(2, 150, 4)
        want, _ = TRANSFORMERS_RULE(query, key, value, g, beta, use_qk_l2norm_in_kernel=True)
        got, _ = demo.delta_rule(query, key, value, g, beta)
        torch.testing.assert_close(got, want, atol=1e-5, rtol=1e-4)

    def test_gradient_of_the_inverse_is_that_of_a_solver(self):
        torch.manual_seed(2)
        strict = (0.3 * torch.randn(3, 32, 32, dtype=torch.float64).tril(-1)).requires_grad_()
        pull = torch.randn(3, 32, 32, dtype=torch.float64)
        inverse = demo.UnitLowerInverse.apply(strict)
        solved = torch.linalg.inv(torch.eye(32, dtype=torch.float64) + strict)
        (got,) = torch.autograd.grad((inverse * pull).sum(), strict)
        (want,) = torch.autograd.grad((solved * pull).sum(), strict)
        torch.testing.assert_close(inverse, solved)
        torch.testing.assert_close(got, want.tril(-1))

    def test_all_experts_at_once_are_the_chosen_ones(self):
        made = lively_model()
        block = made.main.model.layers[0].mlp
        x = torch.randn(9, 64)
        _, shares, ids = block.gate(x)
        torch.testing.assert_close(demo.all_experts(block.experts, x, ids, shares),
                                   TRANSFORMERS_EXPERTS(block.experts, x, ids, shares), atol=1e-5, rtol=1e-4)

    def test_a_packed_document_does_not_see_the_one_before(self):
        demo.make_fast()
        made = lively_model()
        first, second = torch.arange(5, 45), torch.arange(90, 220)
        row = torch.cat([first, torch.zeros(3, dtype=torch.long), second])[None]
        segments = torch.tensor([1] * 40 + [0] * 3 + [2] * 130)[None]
        with torch.no_grad():
            packed = made.hidden(row, segments)[0][0, 43:]
            alone = made.hidden(second[None], torch.ones(1, 130))[0][0]
        # Rounding may turn a near tie in a router the other way, so the test asks for agreement almost everywhere.
        self.assertGreater(((packed - alone).abs().amax(-1) < 1e-3).float().mean().item(), 0.9)


class Quantization(unittest.TestCase):
    def test_codes_are_those_of_the_format(self):
        ramp = torch.arange(32) / 16 - 1.0
        codes = [0, 0, 1, 2, 2, 2, 3, 4, 4, 4, 5, 6, 6, 6, 7, 8, 8, 8, 9, 10, 10, 10, 11, 12, 12, 12, 13, 14, 14, 14,
                 15, 15]
        got = fake_quant.affine(torch.cat([ramp, ramp])[None], 4)[0, :32]
        torch.testing.assert_close(got, torch.tensor(codes) * 0.125 - 1.0)

    def test_norms_are_stored_with_their_one(self):
        weights = torch.tensor([0.3046875, -0.001, 0.004])  # bf16 has steps of 2^-7 above one and of 2^-8 below
        got = fake_quant.stored("model.norm.weight", weights)
        torch.testing.assert_close(got, torch.tensor([0.3046875, 0.0, 0.0078125]))


class Data(unittest.TestCase):
    def test_training_never_draws_what_is_held_out(self):
        for held_out in (False, True):
            rng = random.Random(6)
            for _ in range(500):
                problem = dialogs.arithmetic.problem(rng, held_out, 2)
                self.assertEqual(split.is_held_out(dialogs.arithmetic.key_of(problem)), held_out)

    def test_only_what_the_model_writes_counts_in_full(self):
        encoder = small_encoder()
        messages = dialogs.turn("one", "two") + dialogs.turn("What is 1+1?", "1 + 1 = 2.", reasoning_content="1, 2.")
        ids, weights = encoder.document(dialogs.Document("turns", messages))
        counted = encoder.tokenizer.decode([i for i, w in zip(ids, weights) if w == 1], skip_special_tokens=False)
        self.assertEqual(counted, "1, 2.\n</think>\n\n1 + 1 = 2.<|im_end|>")

    def test_a_prompt_is_the_beginning_of_its_document(self):
        encoder, rng = small_encoder(), random.Random(8)
        for kind in ("arithmetic2", "tool", "json", "turns"):
            document = dialogs.document(rng, kind=kind)
            ids, weights = encoder.document(document)
            prompt = encoder.prompt(document.messages[:-1], document.tools)
            self.assertEqual(ids[: len(prompt)], prompt)
            self.assertEqual(weights[len(prompt)], 1)


class Calls(unittest.TestCase):
    def test_calls_are_well_formed_or_nothing(self):
        schemas = [tool.schema() for tool in tools.TOOLS]
        call = "<tool_call>\n<function={}>\n{}</function>\n</tool_call>".format
        parameter = "<parameter={}>\n{}\n</parameter>\n".format
        minutes, label = parameter("minutes", 5), parameter("label", "tea")
        self.assertEqual(calls.parse(call("set_timer", minutes + label), schemas),
                         [("set_timer", {"minutes": 5, "label": "tea"})])
        self.assertEqual(calls.parse(call("get_joke", ""), schemas), [("get_joke", {})])
        for wrong in (call("set_timer", minutes), call("set_alarm", minutes + label), "text " + call("get_joke", ""),
                      call("set_timer", parameter("minutes", "five") + label), "text", ""):
            self.assertIsNone(calls.parse(wrong, schemas), wrong)


if __name__ == "__main__":
    unittest.main()
