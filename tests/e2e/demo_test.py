"""Runs the model that ships with the project through the program. It must answer right."""

import json
import unittest
from pathlib import Path

from support import TestCase
from terminal import WAITS, Terminal

DEMO = Path(__file__).resolve().parents[2] / "models/demo"
PROMPT = WAITS + r"[\r]*> "
WEATHER = [{"type": "function", "function": {
    "name": "get_weather", "description": "Get the weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]
SUMS = {"What is 12+9?": 21, "what's 47 plus 38": 85, "90 - 37": 53, "What is 8 - 15?": -7, "What is 250+149?": 399}


class Demo(TestCase):
    def answer(self, question, *arguments):
        told = self.succeed("generate", DEMO, "--chat", "--temperature", 0, "-p", question, "--json", *arguments).stdout
        return json.loads(told)

    def tools(self):
        path = self.folder / "tools.json"
        path.write_text(json.dumps(WEATHER))
        return path

    def test_it_adds_and_subtracts(self):
        for question, result in SUMS.items():
            with self.subTest(question=question):
                answer = self.answer(question)
                self.assertRegex(answer["text"], rf"(?<![\d-]){result}\.?$")
                self.assertEqual(answer["end"], "stop")

    def test_speculation_changes_no_token(self):
        def tokens(mode):
            told = self.succeed("generate", DEMO, "--chat", "-p", "Tell me a short story.", "--temperature", 0.8, "--seed",
                                3, "--max-tokens", 80, "--speculate", mode, "--json").stdout
            return json.loads(told)["tokens"]

        expected = tokens("none")
        for mode in ("auto", "mtp:1", "mtp:4", "ngram:3", "mtp", "ngram"):
            with self.subTest(mode=mode):
                self.assertEqual(tokens(mode), expected)

    def test_the_bench_compares_sequences_and_drafts(self):
        told = self.succeed("bench", DEMO, "--batch", "1,3", "--speculate", "auto,oracle:0:7,oracle:1:3", "--tokens", 40,
                            "--reps", 1, "--context", 30, "--json").stdout
        rows = {(row["sequences"], row["speculate"]): row for row in json.loads(told)["rows"]}
        self.assertEqual(len(rows), 8)
        for sequences in (1, 3):
            self.assertEqual(rows[sequences, "none"]["ratio_to_plain"], 1)
            self.assertEqual(rows[sequences, "none"]["tokens_per_step"], 1)
            self.assertGreater(rows[sequences, "oracle:0:7"]["tokens_per_step"], 3)
            self.assertEqual(rows[sequences, "oracle:1:3"]["acceptance"], 0)
            self.assertGreater(rows[sequences, "none"]["reused"], 0.5)

    def test_every_backend_instruction_set_and_path_says_the_same(self):
        question = ("Tell me a short story.", "--max-tokens", 60)
        expected = self.answer(*question)["tokens"]
        for choice in (("--backend", "reference"), ("--isa", "portable"), ("--experts", "unfused"),
                       ("--experts", "concat"), ("--threads", 1)):
            with self.subTest(choice=choice):
                self.assertEqual(self.answer(*question, *choice)["tokens"], expected)

    def test_it_thinks_when_asked_and_the_thinking_is_apart(self):
        self.assertNotIn("reasoning", self.answer("What is 47+38?"))
        answer = self.answer("What is 47+38?", "--think", "on")
        self.assertIn("85", answer["reasoning"])
        self.assertRegex(answer["text"], r"^\S.*85")
        self.assertNotIn("think>", answer["text"] + answer["reasoning"])

    def test_it_calls_a_tool_with_typed_arguments(self):
        (call,) = self.answer("What is the weather in Paris?", "--tools", self.tools())["tool_calls"]
        self.assertEqual(call["function"]["name"], "get_weather")
        self.assertEqual(json.loads(call["function"]["arguments"]), {"city": "Paris"})

    def test_a_chat_remembers_and_tells_what_a_tool_returned(self):
        with Terminal("chat", DEMO, "--temperature", 0, "--tools", self.tools()) as terminal:
            terminal.expect(PROMPT)
            terminal.type("What is the weather in Paris?\r")
            terminal.expect(r'call get_weather \{"city": "Paris"\}')
            terminal.expect(r"get_weather returns> ")
            terminal.type('{"temperature": 21, "sky": "sunny"}\r')
            self.assertIn("Paris", terminal.expect("21 degrees"))
            terminal.expect(r"prompt: \d+ tokens \(\d+ known\)")
            terminal.expect(PROMPT)
            terminal.type("\x04")
            self.assertEqual(terminal.exit_code(), 0)

    def test_it_predicts_what_it_learned_better_than_noise(self):
        sums = self.folder / "sums.txt"
        sums.write_text("What is 12+9?<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n12 + 9 = 21.<|im_end|>\n" * 4)
        noise = self.folder / "noise.txt"
        noise.write_text("zq vx jj kw pq 81!! xz vv " * 8)
        perplexity = [json.loads(self.succeed("perplexity", DEMO, path, "--json").stdout)["perplexity"]
                      for path in (sums, noise)]
        self.assertLess(perplexity[0] * 20, perplexity[1])


if __name__ == "__main__":
    unittest.main()
