#!/usr/bin/env python3
"""Prints held-out documents in the form that the demo model reads. `moebius perplexity` can be measured on this text.

  python3 tools/demo_model/held_out.py --documents 100 > held_out.txt
"""

import argparse
import random

import dialogs
import text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(f"{options.seed} held out")
    documents = [dialogs.document(rng, held_out=True) for _ in range(options.documents)]
    print("".join(text.documents_text(documents, text.load_template())), end="")


if __name__ == "__main__":
    main()
