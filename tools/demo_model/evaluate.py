"""Scores the quantized model through the project's program, on held-out prompts (except for one-digit arithmetic).

  python3 evaluate.py models/demo --moebius build/release/moebius [--reference EXPORT] [--count 200] [--json FILE]
"""

import argparse
import collections
import concurrent.futures
import json
import pathlib
import random

import numpy as np

import calls
import dialogs
import engine
import text

WORD_TOKENS = 40
ANSWER_TOKENS = {"story": 200, "tool": 120, "thinking": 160}
GREEDY = ["arithmetic1", "arithmetic2", "arithmetic3", "sort", "count", "reverse", "reading", "json", "tool",
          "no_tool", "thinking", "turns", "greeting"]
# Name -> the least value that is asked. For perplexity it is the largest value.
TARGETS = {"arithmetic up to two digits": 0.95, "word tasks": 0.95, "well-formed tool calls": 0.98,
           "draft acceptance": 0.70, "perplexity": 1.03}


def one_digit(rng):
    a, op, b = rng.randrange(10), rng.choice("+-"), rng.randrange(10)
    return dialogs.Document("arithmetic1", dialogs.turn(dialogs.arithmetic.prompt(rng, a, op, b),
                                                        dialogs.arithmetic.answer(a, op, b)))


def documents(kind, count, seed):
    """Draws held-out documents. One-digit problems are not held out: there are so few that training has most of
    them."""
    rng, made = random.Random(f"{seed} {kind}"), []
    while len(made) < count:
        source = "tool" if kind == "no_tool" else kind
        document = one_digit(rng) if kind == "arithmetic1" else dialogs.document(rng, held_out=True, kind=source)
        if document.kind == kind:
            made.append(document)
    return made


def question(document):
    """Returns (messages before the scored answer, the scored answer). The scored answer is the first message with tool
    calls, or the last answer of a dialog without any."""
    answers = [i for i, message in enumerate(document.messages) if message["role"] == "assistant"]
    at = next((i for i in answers if document.messages[i].get("tool_calls")), answers[-1])
    return document.messages[:at], document.messages[at]


class Scorer:
    def __init__(self, options):
        directory = options.directory
        self.encoder = text.Encoder(directory / "tokenizer.json")
        self.engine = engine.Engine(options.moebius, directory, ["--threads", str(options.threads)])
        self.pool = concurrent.futures.ThreadPoolExecutor(options.jobs)

    def answer(self, document):
        """Returns (text that the model wrote, without its stop id; prompt ids; ids written)."""
        messages, expected = question(document)
        prompt = self.encoder.prompt(messages, document.tools, thinking="reasoning_content" in expected)
        written = self.engine.generate(prompt, ANSWER_TOKENS.get(document.kind, WORD_TOKENS))
        if written and written[-1] in (self.encoder.end, self.encoder.end_of_text):
            return self.encoder.tokenizer.decode(written[:-1], skip_special_tokens=False), prompt, written
        return self.encoder.tokenizer.decode(written, skip_special_tokens=False), prompt, written

    def score(self, kind, count, seed):
        """Returns {"count", "right": share, "well_formed": share of well-formed tool calls, "wrong": some examples}."""
        made = documents(kind, count, seed)
        results = list(self.pool.map(self.answer, made))
        verdicts = [verdict(document, written) for document, (written, _, _) in zip(made, results)]
        wrong = [{"asked": question(document)[0][-1]["content"], "wrote": written}
                 for document, (written, _, _), (_, right) in zip(made, results, verdicts) if not right]
        return {"count": count, "right": mean(right for _, right in verdicts),
                "well_formed": mean(formed for formed, _ in verdicts), "wrong": wrong[:5]}

    def accepted(self, document):
        """Counts the drafts in one greedy answer. Returns (drafts equal to the model's next token, all drafts)."""
        _, prompt, written = self.answer(document)
        found = self.engine.logits([*prompt, *written], mtp=True)
        best, drafts = found["logits"].argmax(-1), found["mtp_logits"].argmax(-1)
        # Draft t comes from hidden state t and token t + 1. It guesses token t + 2. The first draft of an answer comes
        # with the answer's first token.
        pairs = range(len(prompt) - 1, len(prompt) + len(written) - 2)
        return sum(drafts[t] == best[t + 1] for t in pairs), len(pairs)

    def acceptance(self, count, seed):
        by_kind = collections.defaultdict(lambda: np.zeros(2, int))
        rng = random.Random(f"{seed} acceptance")
        made = [document for document in (dialogs.document(rng, held_out=True) for _ in range(3 * count)) if document.messages]
        for document, counts in zip(made, self.pool.map(self.accepted, made[:count])):
            by_kind[document.kind] += counts
        total = sum(by_kind.values())
        return {"all": total[0] / total[1], "drafts": int(total[1]),
                **{kind: good / most for kind, (good, most) in sorted(by_kind.items())}}

    def perplexity(self, other, count, seed):
        """Returns the perplexity of this model, of another model, and their ratio. The perplexity is over held-out
        documents, all tokens of a document but the first."""
        rng = random.Random(f"{seed} perplexity")
        texts = [self.encoder.document(dialogs.document(rng, held_out=True)) for _ in range(count)]
        ours = self.surprise(self.engine, texts)
        if other is None:
            return {"quantized": ours}
        theirs = self.surprise(engine.Engine(*other), texts)
        return {key: {"quantized": ours[key], "reference": theirs[key], "ratio": ours[key] / theirs[key]}
                for key in ours}

    def surprise(self, model, texts):
        found = list(self.pool.map(lambda pair: log_losses(model.logits(pair[0])["logits"], pair[0]), texts))
        losses = np.concatenate(found)
        answers = np.concatenate([np.array(weights[1:]) == 1 for _, weights in texts])
        return {"all tokens": float(np.exp(losses.mean())), "answers": float(np.exp(losses[answers].mean()))}


def log_losses(logits, ids):
    logits, targets = logits[:-1].astype(np.float64), np.array(ids[1:])
    logits -= logits.max(-1, keepdims=True)
    return np.log(np.exp(logits).sum(-1)) - logits[np.arange(len(targets)), targets]


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def verdict(document, written):
    """Returns (whether the tool call is well formed, whether the answer is right)."""
    expected = question(document)[1]
    if document.kind == "tool":
        found = calls.parse(written, document.tools)
        wanted = [(call["function"]["name"], call["function"]["arguments"]) for call in expected["tool_calls"]]
        return found is not None, found == wanted
    if "reasoning_content" in expected:
        written = written.split("</think>")[-1].strip()
    return True, written == expected["content"]


def judge(rows, acceptance, perplexity):
    """Returns [(name, value reached, value asked, whether the target is met)]."""
    reached = {
        "arithmetic up to two digits": mean(rows[kind]["right"] for kind in ("arithmetic1", "arithmetic2")),
        "word tasks": min(rows[kind]["right"] for kind in ("sort", "count", "reverse")),
        "well-formed tool calls": rows["tool"]["well_formed"], "draft acceptance": acceptance["all"],
    }
    if "all tokens" in perplexity:
        reached["perplexity"] = max(part["ratio"] for part in perplexity.values())
    return [(name, float(value), TARGETS[name], bool(value <= TARGETS[name] if name == "perplexity" else value >= TARGETS[name]))
            for name, value in reached.items()]


def show(rows, acceptance, perplexity, verdicts):
    print(f"{'greedy, held out':28} {'right':>7} {'drafts accepted':>16}")
    for kind, row in rows.items():
        formed = f"  ({100 * row['well_formed']:.1f} % well formed)" if kind == "tool" else ""
        accepted = f"{100 * acceptance[kind]:14.1f} %" if kind in acceptance else " " * 16
        print(f"{kind:28} {100 * row['right']:5.1f} % {accepted}{formed}")
    print(f"all kinds as mixed: {100 * acceptance['all']:.1f} % of {acceptance['drafts']} first drafts accepted")
    print(f"perplexity: {json.dumps(perplexity)}")
    for name, value, target, met in verdicts:
        print(f"{'ok    ' if met else 'MISSED'} {name}: {value:.4f}, asked {target}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--moebius", type=pathlib.Path, required=True, help="the program")
    parser.add_argument("--reference", type=pathlib.Path, help="the unquantized export, for its perplexity")
    parser.add_argument("--count", type=int, default=200, help="prompts of a kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=pathlib.Path)
    return parser.parse_args()


def main():
    options = arguments()
    scorer = Scorer(options)
    rows = {kind: scorer.score(kind, options.count, options.seed) for kind in GREEDY}
    acceptance = scorer.acceptance(options.count, options.seed)
    other = (options.moebius, options.reference, ["--threads", str(options.threads)]) if options.reference else None
    perplexity = scorer.perplexity(other, options.count, options.seed)
    verdicts = judge(rows, acceptance, perplexity)
    show(rows, acceptance, perplexity, verdicts)
    if options.json:
        options.json.write_text(json.dumps({"kinds": rows, "acceptance": acceptance, "perplexity": perplexity,
                                            "verdicts": verdicts}, indent=1) + "\n")
    if not all(met for *_, met in verdicts):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
