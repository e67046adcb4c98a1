"""Translates a split by a trained network and scores it by BLEU, with sacreBLEU's words.

    python scripts/translation/evaluate.py RUN DATA --data-set Multi30k-en-de --split test --width 4

RUN is the ``--out`` of ``train.py``, or with ``--model`` the folder of one of Marian's or OPUS-MT's
models. The translations are written to ``RUN/SPLIT.txt``, or where ``--out`` says.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from toolkit.data.text.datasets import load_dataset
from toolkit.data.text.pairs import TextPairs
from toolkit.model_zoo.batch_beam import LengthPenalty
from toolkit.utils.files import atomic_write
from toolkit.utils.metrics import corpus_bleu

from translation_data import open_folder, open_run, translate


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", help="a name, where RUN is a folder of transformers")
    parser.add_argument("--set", nargs="*", default=[], help="its sizes, if not those of its name")
    parser.add_argument("--out", type=Path, help="the file of the translations")
    parser.add_argument("--data-set", default="Multi30k-en-de")
    parser.add_argument("--split", default="test")
    parser.add_argument("--width", type=int, default=4, help="of the beam; 1: the likeliest words")
    parser.add_argument("--length-penalty", type=float, default=1.0, help="0 favours short texts")
    parser.add_argument("--max-tokens", type=int, default=100)
    parser.add_argument("--tokens", type=int, default=1024, help="pieces that are read at once")
    parser.add_argument("--limit", type=int, help="only so many pairs")
    return parser.parse_args(arguments)


def main(args: argparse.Namespace) -> dict[str, Any]:
    if args.model:
        net, pieces = open_folder(args.model, args.set, args.run)
    else:
        net, pieces = open_run(args.run)
    net.hybridize()
    rows = list(load_dataset(args.data_set, args.split, root=args.data))[: args.limit]
    pairs = TextPairs(rows, pieces, start=net.encoder.config.start)
    start = time.perf_counter()
    found = translate(
        net,
        pairs,
        tokens=args.tokens,
        width=args.width,
        max_tokens=args.max_tokens,
        penalty=LengthPenalty(args.length_penalty),
    )
    seconds = time.perf_counter() - start
    with atomic_write(args.out or args.run / f"{args.split}.txt", "w") as file:
        file.write("".join(f"{text}\n" for text in found))
    result = {
        "data": args.data_set,
        "split": args.split,
        "pairs": len(rows),
        "width": args.width,
        "bleu": round(corpus_bleu(found, [[target] for _, target in rows]), 2),
        "pairs_per_second": round(len(rows) / seconds, 1),
    }
    print(json.dumps(result))
    return result


if __name__ == "__main__":
    main(parse())
