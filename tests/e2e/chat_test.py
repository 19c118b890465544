"""Tests `moebius chat` at a terminal that the test drives, and through pipes."""

import json
import re
import unittest

from support import TestCase, run
from talking import give_words
from terminal import WAITS, Terminal

PROMPT = WAITS + r"[\r]*> "
SAYS_A = ("--logit-bias", "97=100")
STATISTICS = r"prompt: (\d+) tokens(?: \((\d+) known\))?, .*seed \d+"


class Chat(TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.talking = give_words(cls.tiny, cls.shared)

    def chat(self, *arguments, tokens=6, **variables):
        return Terminal("chat", self.talking, "--temperature", 0, "--max-tokens", tokens, *arguments, **variables)

    def turn(self, terminal, text):
        """Types a line and waits for its answer. Returns the prompt tokens, and how many of them were known."""
        terminal.expect(PROMPT)
        terminal.type(text + "\r")
        found = re.search(STATISTICS, terminal.expect(STATISTICS))
        return int(found[1]), int(found[2] or 0)

    def leave(self, terminal):
        terminal.expect(PROMPT)
        terminal.type("\x04")
        self.assertEqual(terminal.exit_code(), 0)

    def save(self, terminal, name="saved.json"):
        terminal.expect(PROMPT)
        path = self.folder / name
        terminal.type(f"/save {path}\r")
        terminal.expect("saved ")
        return json.loads(path.read_text())["messages"]

    def test_each_turn_prefills_only_what_is_new(self):
        with self.chat(*SAYS_A) as terminal:
            first, known = self.turn(terminal, "hello")
            self.assertEqual(known, 0)
            second, known = self.turn(terminal, "and now?")
            self.assertGreater(second, first)
            self.assertEqual(known, first + 5)  # the last of six tokens was never appended
            self.leave(terminal)

    def test_a_turn_whose_thinking_was_dropped_goes_back_to_where_it_began(self):
        with self.chat("--think", "on", *SAYS_A) as terminal:
            first, _ = self.turn(terminal, "hello")
            _, known = self.turn(terminal, "and now?")
            self.assertEqual(known, first - len(("<think>", "\n")))
            self.leave(terminal)

    def test_without_the_prefix_cache_every_turn_computes_its_whole_prompt(self):
        with self.chat("--no-prefix-cache", *SAYS_A) as terminal:
            self.turn(terminal, "hello")
            self.assertEqual(self.turn(terminal, "and now?")[1], 0)
            self.leave(terminal)

    def test_memory_that_holds_no_prompt_ends_the_turn_and_not_the_program(self):
        with self.chat("--memory", 0.000001) as terminal:
            terminal.expect(PROMPT)
            terminal.type("hello\r")
            terminal.expect("do not fit into the 1000 bytes")
            self.leave(terminal)

    def test_a_conversation_gives_what_fresh_conversations_give(self):
        with self.chat() as terminal:
            self.turn(terminal, "hello")
            self.turn(terminal, "and now?")
            messages = self.save(terminal)
            self.leave(terminal)
        self.assertEqual([m["role"] for m in messages], ["user", "assistant", "user", "assistant"])
        with self.chat() as fresh:
            self.turn(fresh, "hello")
            self.assertEqual(self.save(fresh, "fresh.json"), messages[:2])
            self.leave(fresh)

    def test_ctrl_c_stops_the_answer_and_not_the_program(self):
        with self.chat("--backend", "reference", *SAYS_A, tokens=4000) as terminal:
            terminal.expect(PROMPT)
            terminal.type("talk\r")
            terminal.expect("aaaa")
            terminal.type("\x03")
            told = terminal.expect(STATISTICS)
            self.assertIn("(cancelled)", told)
            self.assertIn("> ", terminal.expect(PROMPT))
            terminal.type("/exit\r")
            self.assertEqual(terminal.exit_code(), 0)

    def test_ctrl_c_at_the_prompt_clears_the_line(self):
        with self.chat() as terminal:
            terminal.expect(PROMPT)
            terminal.type("never sent\x03")
            terminal.expect("Ctrl-D or /exit leaves")
            self.turn(terminal, "sent")
            self.assertEqual(self.save(terminal)[0]["content"], "sent")
            self.leave(terminal)

    def test_pasted_lines_are_one_message(self):
        with self.chat() as terminal:
            self.turn(terminal, "\x1b[200~one\rtwo\rthree\x1b[201~ and more")
            self.assertEqual(self.save(terminal)[0]["content"], "one\ntwo\nthree and more")
            self.leave(terminal)

    def test_a_terminal_that_takes_no_escapes_gets_none(self):
        for name in ("dumb", ""):
            with self.subTest(TERM=name), self.chat(TERM=name) as terminal:
                terminal.expect(r"leaves\r\n> ")
                terminal.type("helo\x7flo\r")
                terminal.expect(STATISTICS)
                terminal.expect("> ")
                path = self.folder / f"saved-{name}.json"
                terminal.type(f"/save {path}\r")
                terminal.expect("saved ")
                self.assertEqual(json.loads(path.read_text())["messages"][0]["content"], "hello")
                terminal.type("\x04")
                self.assertEqual(terminal.exit_code(), 0)
                self.assertNotIn("\x1b", terminal.raw)

    def test_lines_can_be_joined_by_hand(self):
        with self.chat() as terminal:
            terminal.expect(PROMPT)
            terminal.type("one \\\r")
            terminal.expect(WAITS + r"\r*\.\.\. ")
            terminal.type("two\r")
            terminal.expect(STATISTICS)
            terminal.expect(PROMPT)
            terminal.type('"""three\r')
            terminal.expect(WAITS + r"\r*\.\.\. ")
            terminal.type('four"""\r')
            terminal.expect(STATISTICS)
            messages = self.save(terminal)
            self.assertEqual([messages[0]["content"], messages[2]["content"]], ["one \ntwo", "three\nfour"])
            self.leave(terminal)

    def test_thinking_is_dim_and_not_part_of_the_answer(self):
        with self.chat() as terminal:
            terminal.expect(PROMPT)
            terminal.type("/think on\r")
            terminal.expect("thinking: on")
            self.turn(terminal, "hello")
            answer = self.save(terminal)[1]
            self.assertIn("\x1b[2m", terminal.raw)
            self.assertEqual(answer["content"], "")
            self.assertTrue(answer["reasoning_content"])
            self.turn(terminal, "again")
            self.leave(terminal)

    def test_control_characters_of_the_model_do_not_reach_the_terminal(self):
        with self.chat("--logit-bias", "27=100", tokens=3) as terminal:
            terminal.expect(PROMPT)
            terminal.type("hello\r")
            terminal.expect("\u241b\u241b\u241b")
            self.leave(terminal)

    def test_commands_change_the_conversation(self):
        with self.chat("--system", "Be brief.") as terminal:
            self.turn(terminal, "hello")
            terminal.expect(PROMPT)
            terminal.type("/again\r")
            terminal.expect(STATISTICS)
            self.assertEqual([m["role"] for m in self.save(terminal)], ["system", "user", "assistant"])
            terminal.expect(PROMPT)
            terminal.type("/system Be long.\r")
            terminal.expect(PROMPT)
            terminal.type("/new\r")
            self.turn(terminal, "hello")
            messages = self.save(terminal)
            self.assertEqual(messages[0], {"role": "system", "content": "Be long."})
            self.assertEqual(len(messages), 3)
            self.leave(terminal)

    def test_a_saved_chat_has_the_options_of_its_template_and_is_answered_by_generate(self):
        options = ("--template-option", "effort=3", "--template-option", "style=short", "--think", "off")
        with self.chat(*options) as terminal:
            first, _ = self.turn(terminal, "hello")
            self.save(terminal)
            self.leave(terminal)
        path = self.folder / "saved.json"
        saved = json.loads(path.read_text())
        self.assertEqual((saved["effort"], saved["style"], saved["enable_thinking"]), (3, "short", False))
        saved["messages"].pop()
        path.write_text(json.dumps(saved))
        told = self.succeed("generate", self.talking, "--conversation", path, "--max-tokens", 1, "--json").stdout
        self.assertEqual(json.loads(told)["prompt_tokens"], first)

    def test_a_mistyped_command_gets_a_suggestion_and_help_lists_them(self):
        with self.chat() as terminal:
            terminal.expect(PROMPT)
            terminal.type("/hlep\r")
            terminal.expect("did you mean /help")
            terminal.expect(PROMPT)
            terminal.type("/help\r")
            terminal.expect("/save FILE")
            self.leave(terminal)

    def test_save_replaces_no_file_of_others(self):
        (self.folder / "mine").write_text("precious")
        with self.chat() as terminal:
            terminal.expect(PROMPT)
            terminal.type(f"/save {self.folder / 'mine'}\r")
            terminal.expect("is there already")
            self.leave(terminal)
        self.assertEqual((self.folder / "mine").read_text(), "precious")

    def test_a_full_context_ends_the_turn_and_not_the_program(self):
        with self.chat("--ctx", 64) as terminal:
            terminal.expect(PROMPT)
            terminal.type("x" * 100 + "\r")
            terminal.expect("exceed the context of 64")
            self.turn(terminal, "short")
            self.leave(terminal)

    def test_a_full_context_says_how_to_go_on(self):
        with self.chat("--ctx", 64, *SAYS_A, tokens=100) as terminal:
            self.turn(terminal, "hello")
            terminal.expect("the context of 64 tokens is full")
            terminal.expect("/new begins a new conversation")
            terminal.expect(PROMPT)
            terminal.type("more\r")
            terminal.expect("exceed the context of 64")
            terminal.expect("/new begins a new conversation")
            terminal.expect(PROMPT)
            terminal.type("/new\r")
            self.turn(terminal, "hello")
            self.leave(terminal)

    def test_pipes_are_lines(self):
        result = self.succeed("chat", self.talking, "--temperature", 0, "--max-tokens", 4, input="one\ntwo\n")
        self.assertEqual(result.stderr.count("seed "), 2)
        self.assertNotIn("\x1b", result.stdout)
        self.assertNotIn("> ", result.stdout)

    def pipe(self, text, *arguments):
        return run("chat", self.talking, "--temperature", 0, "--max-tokens", 4, *arguments, input=text)

    def test_what_fails_in_a_pipe_is_told_by_the_exit_code_and_the_rest_is_done(self):
        long = "x" * 100 + "\n"
        (self.folder / "mine").write_text("precious")
        for lines, failed, code in (
            (long + "short\n", "1 of 2", 2), ("short\n" + long + long, "2 of 3", 2), ("short\n/hlep\n", "1 of 2", 2),
            (f"short\n/save {self.folder / 'mine'}\n{long}", "2 of 3", 1), ("/again\nshort", "1 of 2", 2),
        ):  # fmt: skip
            with self.subTest(lines=lines):
                result = self.pipe(lines, "--ctx", 64)
                self.assertEqual(result.returncode, code, result.stderr)
                self.assertIn(f"error: chat: {failed} lines failed", result.stderr)
                self.assertEqual(result.stderr.count("seed "), 1)

    def test_the_end_of_a_pipe_ends_its_last_message(self):
        for text in ('"""one\ntwo', '"""one\ntwo\n', "one\\\ntwo", "one"):
            with self.subTest(text=text):
                result = self.pipe(text)
                self.assertEqual((result.returncode, result.stderr.count("seed ")), (0, 1), result.stderr)

    def test_a_checkpoint_without_words_says_what_it_lacks(self):
        self.assertIn("tokenizer.json", self.fail_with(66, "chat", self.tiny).stderr)
        (self.copy_of_tiny() / "tokenizer.json").write_text((self.talking / "tokenizer.json").read_text())
        self.assertIn("no chat template", self.fail_with(66, "chat", self.folder / "copy").stderr)


if __name__ == "__main__":
    unittest.main()
