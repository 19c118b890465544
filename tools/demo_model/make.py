"""Runs the whole recipe: tokenizer, training, export, and with --moebius the quantized model.

  python3 make.py OUT [--moebius PROGRAM]          on a GPU, in one run; README.md says how the shipped model was made
  python3 make.py --tiny OUT [--moebius PROGRAM]   a small model, made on a CPU in a minute; it has learned nothing

OUT gets work/ (tokenizer, state, weights), hf/ (the export) and, with --moebius, mlx/ (4 bits, groups of 64).
"""

import argparse
import pathlib
import shutil
import subprocess
import sys

import export
import text
from model import TEXT

HERE = pathlib.Path(__file__).parent
TINY = ["--tiny", "--steps", "60", "--rows", "2", "--length", "256", "--workers", "1", "--score-every", "60",
        "--quantized-from", "0.5"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--tokenizer", type=pathlib.Path, help="use this tokenizer.json instead of training one")
    parser.add_argument("--moebius", type=pathlib.Path, help="the program, to quantize with")
    options = parser.parse_args()
    work, full = options.out / "work", options.out / "hf"
    work.mkdir(parents=True)
    if options.tokenizer:
        shutil.copy(options.tokenizer, work / "tokenizer.json")
    else:
        text.train_tokenizer(work / "tokenizer.json", TEXT["vocab_size"], documents=2000 if options.tiny else 60000)
    settings = TINY if options.tiny else ["--compile", "--minutes", "30"]
    subprocess.run([sys.executable, HERE / "train.py", "--work", work, *settings], check=True)
    export.write(work, full, options.tiny)
    if options.moebius:
        subprocess.run([options.moebius, "quantize", full, options.out / "mlx", "--bits", "4", "--group-size", "64",
                        "--router-bits", "8"], check=True)


if __name__ == "__main__":
    main()
