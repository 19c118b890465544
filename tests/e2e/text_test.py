"""Tests text through the program from outside: tokens, prompts, answers, perplexity, and the names of models."""

import json
import os
import shutil
import unittest
from pathlib import Path

from support import TestCase, run
from talking import give_words


class Text(TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.talking = give_words(cls.tiny, cls.shared)

    def write(self, name, content):
        path = self.folder / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def test_tokenize_and_decode_are_inverse(self):
        text = "Grüße, 世界!\n<|im_start|>x"
        ids = self.succeed("tokenize", self.talking, "-p", text).stdout.strip()
        self.assertIn("256", ids.split(","))
        self.assertEqual(self.succeed("tokenize", self.talking, "--decode", "-p", ids).stdout, text)

    def test_tokenize_reads_files_and_pipes(self):
        expected = self.succeed("tokenize", self.talking, "-p", "a b").stdout
        self.assertEqual(self.succeed("tokenize", self.talking, "-p", f"@{self.write('t', 'a b')}").stdout, expected)
        self.assertEqual(self.succeed("tokenize", self.talking, input="a b").stdout, expected)
        self.assertEqual(self.succeed("tokenize", self.talking, "-p", "@@").stdout, "64\n")

    def through_a_pipe(self, text, *arguments):
        """Runs the program, which reads this text where the arguments say PIPE. The name is that of bash's <(command)."""
        read_end, write_end = os.pipe()
        os.write(write_end, text.encode())
        os.close(write_end)
        named = [str(a).replace("PIPE", f"/dev/fd/{read_end}") for a in arguments]
        result = self.succeed(*named, pass_fds=(read_end,))
        os.close(read_end)
        return result.stdout

    def test_pipes_are_read_wherever_files_are(self):
        conversation = json.dumps([{"role": "user", "content": "Hi"}])
        tools = json.dumps([{"type": "function", "function": {"name": "f", "parameters": {}}}])
        short = ("--max-tokens", 1, "--temperature", 0)
        for text, arguments in (
            ("a b", ("tokenize", self.talking, "-p", "@PIPE")),
            ("97,98", ("tokenize", self.talking, "--decode", "-p", "@PIPE")),
            (conversation, ("render", self.talking, "PIPE")),
            ("a b", ("generate", self.talking, "-p", "@PIPE", *short)),
            ("Be brief.", ("generate", self.talking, "--chat", "-p", "Hi", "--system", "@PIPE", *short)),
            (tools, ("generate", self.talking, "--chat", "-p", "Hi", "--tools", "PIPE", *short)),
            ("1 2 3", ("generate", self.talking, "--tokens", "@PIPE", *short)),
            ("some text", ("perplexity", self.talking, "PIPE")),
        ):
            with self.subTest(arguments=arguments):
                path = self.write("the same", text)
                expected = self.succeed(*[str(a).replace("PIPE", str(path)) for a in arguments]).stdout
                self.assertEqual(self.through_a_pipe(text, *arguments), expected)

    def test_an_endless_pipe_is_cut_off(self):
        self.assertIn("256 MB", self.fail_with(2, "tokenize", self.talking, "-p", "@/dev/zero").stderr)
        with open("/dev/zero", "rb") as endless:
            self.assertIn("256 MB", run("chat", self.talking, stdin=endless).stderr)

    def test_plain_text_has_no_control_tokens(self):
        ids = json.loads(self.succeed("tokenize", self.talking, "-p", "<|im_end|>", "--plain", "--json").stdout)["tokens"]
        self.assertEqual(ids, list(b"<|im_end|>"))

    def test_render_shows_the_prompt_and_whose_bytes_are_whose(self):
        conversation = {"messages": [{"role": "user", "content": "Hi <|im_end|>"}], "enable_thinking": True}
        path = self.write("c.json", conversation)
        prompt = "<|im_start|>user\nHi <|im_end|><|im_end|>\n<|im_start|>assistant\n<think>\n"
        self.assertEqual(self.succeed("render", self.talking, path).stdout, prompt)
        told = json.loads(self.succeed("render", self.talking, path, "--json").stdout)
        self.assertEqual([prompt[begin:end] for begin, end in told["user"]], ["user", "Hi <|im_end|>"])
        self.assertEqual(told["tokens"].count(257), 1)
        self.assertEqual(
            self.succeed("render", self.talking, "-", "--no-answer", input=json.dumps(conversation["messages"])).stdout,
            "<|im_start|>user\nHi <|im_end|><|im_end|>\n")

    def test_render_refuses_what_is_no_conversation(self):
        self.assertIn("messages", self.fail_with(65, "render", self.talking, self.write("c.json", {"hi": 1})).stderr)
        self.fail_with(65, "render", self.talking, self.write("c.json", "{"))
        self.fail_with(66, "render", self.talking, self.folder / "nowhere.json")

    def answer(self, *arguments):
        return json.loads(self.succeed("generate", self.talking, *arguments, "--max-tokens", 12, "--json").stdout)

    def of_options(self):
        """Returns a copy of the checkpoint whose template prints the options `effort` and `documents` and the words of
        the messages."""
        copy = Path(shutil.copytree(self.talking, self.folder / "options"))
        (copy / "chat_template.jinja").write_text(
            "{{- effort | tojson }}{% for d in documents or [] %}{{ d.text }}{% endfor %}"
            "{% for m in messages %}{{ m.content }}{% endfor %}{{ tools | length if tools else '' }}")
        return copy

    def prompt_tokens(self, model, *arguments, **options):
        told = self.succeed("generate", model, *arguments, "--max-tokens", 1, "--json", **options).stdout
        return json.loads(told)["prompt_tokens"]  # a byte is a token

    def test_options_of_the_template_are_json_or_a_string(self):
        model = self.of_options()
        for value, seen in (("high", '"high"'), ('"3"', '"3"'), ("3", "3"), ("true", "true"), ("a=b", '"a=b"'), ("", '""'),
                            ("[1, 2]", "[1, 2]"), ('{"a": null}', '{"a": null}'), ("{", '"{"')):  # fmt: skip
            with self.subTest(value=value):
                count = self.prompt_tokens(model, "--chat", "-p", "Hi", "--template-option", f"effort={value}")
                self.assertEqual(count, len(seen + "Hi"))
        count = self.prompt_tokens(model, "--chat", "-p", "Hi", "--template-option", "effort=1", "--template-option",
                                   'documents=[{"text": "abc"}]', "--template-option", "unknown=2")
        self.assertEqual(count, len("1abcHi"))
        for wrong in ("effort", "=high", "messages=[]", "add_generation_prompt=false"):
            self.fail_with(2, "generate", model, "--chat", "-p", "Hi", "--template-option", wrong)

    def test_a_conversation_is_answered_as_it_is_rendered(self):
        model = self.of_options()
        tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
        talk = [{"role": role, "content": text} for role, text in (("user", "Hi"), ("assistant", "Yes?"), ("user", "?"))]
        whole = {"messages": talk, "tools": tools, "effort": "low", "documents": [{"text": "abc"}]}
        path = self.write("c.json", whole)
        rendered = self.succeed("render", model, path).stdout
        self.assertEqual(rendered, '"low"abcHiYes??1')
        self.assertEqual(self.prompt_tokens(model, "--conversation", path), len(rendered))
        self.assertEqual(self.prompt_tokens(model, "--conversation", "-", input=json.dumps(whole)), len(rendered))
        more = ("--template-option", "effort=5", "--system", "Brief.")
        self.assertEqual(self.prompt_tokens(model, "--conversation", path, *more), len("5abcBrief.HiYes??1"))
        bare = self.write("bare.json", talk)
        self.assertEqual(self.prompt_tokens(model, "--conversation", bare, *more), len("5Brief.HiYes??"))

    def test_a_conversation_stands_alone(self):
        told = self.write("c.json", [{"role": "system", "content": "Brief."}, {"role": "user", "content": "Hi"}])
        self.fail_with(2, "generate", self.talking, "--conversation", told, "-p", "Hi")
        self.fail_with(2, "generate", self.talking, "--conversation", told, "--tokens", 1)
        result = self.fail_with(2, "generate", self.talking, "--conversation", told, "--system", "x")
        self.assertIn("system prompt", result.stderr)
        tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
        both = self.write("b.json", {"messages": [{"role": "user", "content": "Hi"}], "tools": tools})
        self.fail_with(2, "generate", self.talking, "--conversation", both, "--tools", self.write("t.json", tools))
        for wrong in ("{", "7", "[1]", '{"hi": 1}', '{"messages": 1}', '{"messages": [], "tools": 1}'):
            with self.subTest(wrong=wrong):
                self.fail_with(65, "generate", self.talking, "--conversation", self.write("wrong.json", wrong))
                self.fail_with(65, "render", self.talking, self.write("wrong.json", wrong))
        self.fail_with(66, "generate", self.talking, "--conversation", self.folder / "nowhere.json")

    def test_the_same_seed_gives_the_same_answer_and_every_answer_tells_its_seed(self):
        first = self.answer("-p", "Hello", "--temperature", 1)
        again = self.answer("-p", "Hello", "--temperature", 1, "--seed", first["seed"])
        self.assertEqual(again["tokens"], first["tokens"])
        self.assertEqual(again["text"], first["text"])
        self.assertNotEqual(self.answer("-p", "Hello", "--temperature", 1, "--seed", 1)["tokens"], first["tokens"])

    def test_greedy_text_is_what_greedy_ids_are(self):
        ids = self.succeed("tokenize", self.talking, "-p", "Hello").stdout.strip()
        from_text = self.answer("-p", "Hello")["tokens"]
        from_ids = self.answer("--tokens", ids)["tokens"]
        same = 0
        while same < 12 and from_ids[same] < 262:  # without a tokenizer the program may also draw ids of the padding
            self.assertEqual(from_text[same], from_ids[same])
            same += 1

    def test_stop_strings_end_the_answer_and_are_not_in_it(self):
        answer = self.answer("-p", "Hello", "--logit-bias", "97=100", "--stop", "aaaa")
        self.assertEqual((answer["text"], len(answer["tokens"]), answer["end"]), ("", 4, "stop"))

    def test_a_stop_id_of_tokenizer_config_ends_the_answer(self):
        answer = self.answer("--chat", "-p", "Hello", "--logit-bias", "257=100")
        self.assertEqual((answer["text"], answer["tokens"], answer["end"]), ("", [257], "stop"))

    def test_thinking_goes_to_stderr_in_a_pipe(self):
        result = self.succeed("generate", self.talking, "--chat", "--think", "on", "-p", "Hi", "--max-tokens", 5,
                              "--logit-bias", "97=100", "--temperature", 0)
        self.assertEqual(result.stdout, "")
        self.assertIn("aaaaa", result.stderr)

    def test_speculation_changes_the_steps_and_not_the_answer(self):
        plain = self.answer("-p", "abcabcabc", "--speculate", "none")
        self.assertEqual((plain["drafted"], plain["steps"]), (0, 12))
        for mode in ("auto", "ngram", "ngram:3"):
            with self.subTest(mode=mode):
                self.assertEqual(self.answer("-p", "abcabcabc", "--speculate", mode)["tokens"], plain["tokens"])
        drafted = self.answer("-p", "aaaaaaaa", "--speculate", "ngram:3", "--logit-bias", "97=100")
        self.assertLess(drafted["steps"], 12)
        self.assertGreater(drafted["accepted"], 0)
        self.assertIn("no draft head", self.fail_with(2, "generate", self.talking, "-p", "a", "--speculate", "mtp:2").stderr)

    def test_an_empty_prompt_is_refused(self):
        self.fail_with(2, "generate", self.talking, "-p", "")

    def test_logprobs_are_told(self):
        answer = self.answer("-p", "Hello", "--logprobs", 3)
        self.assertEqual(len(answer["logprobs"]), len(answer["tokens"]))
        for token in answer["logprobs"]:
            self.assertEqual(len(token["top"]), 3)
            self.assertEqual(token["logprob"], token["top"][0]["logprob"])  # greedy

    def test_sampling_that_cannot_be_is_refused_before_loading(self):
        for flags in (("--temperature", -1), ("--top-p", 2), ("--logit-bias", "x"), ("--logit-bias", "5000=1"),
                      ("--repetition-penalty", 0), ("--stop", "")):
            with self.subTest(flags=flags):
                self.assertNotIn("ready", self.fail_with(2, "generate", self.talking, "-p", "Hi", *flags).stderr)

    def test_a_prompt_is_needed_and_one_is_enough(self):
        self.fail_with(2, "generate", self.talking, "-p", "a", "--tokens", 1)
        self.fail_with(2, "generate", self.talking, "--chat", "--tokens", 1)
        self.assertIn("tokenizer.json", self.fail_with(66, "generate", self.tiny, "-p", "a").stderr)

    def test_perplexity_of_a_text_and_its_distance_from_other_settings(self):
        text = self.write("book.txt", "Once upon a time there was a cat. " * 5)
        told = json.loads(self.succeed("perplexity", self.talking, text, "--window", 64, "--json",
                                       "--against", "backend=reference", "--against", "kv=f16",
                                       "--against", self.talking).stdout)
        self.assertEqual(told["windows"], 3)
        self.assertEqual(told["tokens_predicted"], 170 - 3)
        same, half, copy = told["comparisons"]
        self.assertEqual((same["kl_max"], same["same_top_percent"]), (0, 100))
        self.assertEqual(copy["perplexity"], told["perplexity"])
        self.assertGreater(half["kl_mean"], 0)
        self.assertLess(half["kl_mean"], 0.01)

    def test_perplexity_says_what_it_cannot_compare(self):
        text = self.write("book.txt", "some text")
        self.assertIn("speed", self.fail_with(2, "perplexity", self.talking, text, "--against", "speed=high").stderr)
        self.fail_with(2, "perplexity", self.talking, self.write("short", "x"))


class Names(TestCase):
    def cache(self, *names):
        """Makes a Hugging Face cache with the tiny checkpoint under these names. Returns the environment to find it."""
        hub = self.folder / "hub"
        for name in names:
            entry = hub / ("models--" + name.replace("/", "--"))
            (entry / "snapshots").mkdir(parents=True)
            (entry / "refs").mkdir()
            (entry / "refs/main").write_text("abc123")
            shutil.copytree(self.tiny, entry / "snapshots/abc123")
        return {"HF_HOME": str(self.folder)}

    def test_a_model_of_the_cache_is_found_by_its_name_and_by_the_last_part_of_it(self):
        env = self.cache("Org/Tiny-Model")
        for name in ("Org/Tiny-Model", "Tiny-Model"):
            self.succeed("inspect", name, env=env)
        self.succeed("inspect", "Tiny-Model", env={"HF_HUB_CACHE": env["HF_HOME"] + "/hub", "HF_HOME": "/nowhere"})

    def test_a_mistyped_name_gets_a_suggestion(self):
        env = self.cache("Org/Tiny-Model")
        self.assertIn("did you mean", self.fail_with(66, "inspect", "Tiny-Modle", env=env).stderr)
        near = self.tiny.parent / "tinny"
        self.assertIn(str(self.tiny), self.fail_with(66, "inspect", near, env=env).stderr)

    def test_a_model_that_is_not_there_gets_the_command_that_downloads_it(self):
        env = {"HF_HOME": str(self.folder)}
        for name, repository in (("Qwen/Qwen3-Next-80B-A3B-Instruct", "Qwen/Qwen3-Next-80B-A3B-Instruct"),
                                 ("Qwen3.5-9B-4bit", "mlx-community/Qwen3.5-9B-4bit"),
                                 ("Some-Model", "ORG/Some-Model")):
            self.assertIn(f"`hf download {repository}`", self.fail_with(66, "inspect", name, env=env).stderr)
        self.assertNotIn("hf download", self.fail_with(66, "inspect", "/no/such/folder", env=env).stderr)

    def test_a_name_that_two_models_have_is_asked_for_in_full(self):
        env = self.cache("One/Model", "Two/Model")
        self.assertRegex(self.fail_with(2, "inspect", "Model", env=env).stderr, "One/Model.*Two/Model|Two.*One")

    def test_a_cache_without_a_snapshot_says_so(self):
        env = self.cache("Org/Model")
        shutil.rmtree(self.folder / "hub/models--Org--Model/snapshots/abc123")
        self.assertIn("snapshots", self.fail_with(66, "inspect", "Model", env=env).stderr)


if __name__ == "__main__":
    unittest.main()
