"""Scores a trained language model on a split, and lets it go on with a text.

    python scripts/language_model/evaluate.py DATA --data-set PTB --run runs/ptb
    python scripts/language_model/evaluate.py DATA --run runs/ptb --text "the company said"

RUN is the ``--out`` of ``train.py``, whose ``run.json`` says which network it was. All words of the
split are read in one piece after the other, each with everything before it.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from toolkit.data.text import Vocab
from toolkit.model_zoo import Sampling, generate, get_model
from toolkit.utils.training import evaluate

import mxnet as mx
import numpy as np
from corpus import Objective, Pieces, read_words
from train import sizes


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--data-set", default="PTB", help="PTB, WikiText2, WikiText103")
    parser.add_argument("--split", default="test")
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--batch-size", type=int, default=1, help="parts that are read at once")
    parser.add_argument("--length", type=int, default=70, help="words of a piece")
    parser.add_argument("--text", help="is gone on with, instead of a score")
    parser.add_argument("--max-tokens", type=int, default=30)
    parser.add_argument("--temperature", type=float, default=0.8)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args(arguments)


def open_run(folder: Path) -> tuple[mx.gluon.HybridBlock, Vocab]:
    """The network of a run with its last weights, and its words."""
    config = json.loads((folder / "run.json").read_text(encoding="utf-8"))["config"]
    vocab = Vocab.load(folder / "words.vocab")
    options = sizes(config["set"])
    net = get_model(config["model"], folder / "final.params", vocab_size=len(vocab), **options)
    return net, vocab


def main(args: argparse.Namespace) -> dict[str, Any]:
    net, vocab = open_run(args.run)
    if args.text:
        sampling = Sampling(args.temperature, seed=args.seed)
        beginning = [vocab[args.text.split()]]
        new = generate(net, beginning, max_tokens=args.max_tokens, sampling=sampling)
        found = {"text": " ".join([args.text, *vocab.to_tokens(new[0].tolist())])}
    else:
        words = read_words(args.data, args.data_set, args.split)
        pieces = Pieces(np.array(vocab[words]), args.batch_size, args.length)
        loss = evaluate(net, pieces, forward=Objective())["loss"]
        found = {"split": args.split, "words": len(words), "perplexity": math.exp(loss)}
    print(json.dumps(found))
    return found


if __name__ == "__main__":
    main(parse())
