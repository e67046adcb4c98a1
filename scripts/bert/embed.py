"""Writes a vector for each line of a text file.

    python scripts/bert/embed.py LINES --model minilm_6_384_12 --weights FOLDER --out vectors.npy

The vectors have length 1: their products are cosines. The weights' folder holds the tokenizer's
files as well.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from toolkit.data.batchify import Pad
from toolkit.data.text.tokenizers import load_tokenizer
from toolkit.model_zoo import get_model

import mxnet as mx
import numpy as np


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("lines", type=Path)
    parser.add_argument("--model", default="bert_12_768_12")
    parser.add_argument("--weights", required=True)
    parser.add_argument("--tokenizer", help="default: the folder of the weights")
    parser.add_argument("--pooling", default="mean", choices=("mean", "first", "max"))
    parser.add_argument("--max-length", type=int, default=128)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args(arguments)


def main(args: argparse.Namespace) -> np.ndarray:
    texts = args.lines.read_text(encoding="utf-8").splitlines()
    if not texts:
        raise ValueError(f"{args.lines} has no lines")
    tokenizer = load_tokenizer(args.tokenizer or args.weights)
    encoded = [np.array(tokenizer.encode(t, max_length=args.max_length).ids) for t in texts]
    net = get_model(args.model, args.weights, task="sentence_encoder", pooling=args.pooling)
    net.hybridize()
    # Like lengths together, so that little is padded.
    order = np.argsort([len(ids) for ids in encoded], kind="stable")
    vectors = np.zeros((len(texts), net.units), np.float32)
    for start in range(0, len(order), args.batch_size):
        rows = order[start : start + args.batch_size]
        tokens, lengths = Pad(ret_length=True)([encoded[row] for row in rows])
        inputs = [mx.nd.array(a, dtype="int32") for a in (tokens, np.zeros_like(tokens), lengths)]
        vectors[rows] = net(*inputs).asnumpy()
    with args.out.open("wb") as file:
        np.save(file, vectors)
    return vectors


if __name__ == "__main__":
    main(parse())
