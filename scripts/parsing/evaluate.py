"""Parses the sentences of a treebank, scores the trees, and writes them.

    python scripts/parsing/evaluate.py runs/ewt en_ewt-ud-dev.conllu --write parsed.conllu

The first argument is the folder of a run of ``train.py``. The words are those of the file. UAS and
LAS are in percent, as the shared task of CoNLL 2018 counts them (``nsubj:pass`` is ``nsubj``);
``las_full`` tells the kinds of a relation apart, ``_no_punct`` leaves punctuation out. Of a file
without heads, trees are only written.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from toolkit.data.text import Sentence, read_treebank, write_treebank
from toolkit.utils.metrics import AttachmentScores

import mxnet as mx
import parsing_data
import parsing_model


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="folder of a run")
    parser.add_argument("data", type=Path, help="a file of sentences")
    parser.add_argument("--write", type=Path, metavar="FILE", help="the trees that were found")
    parser.add_argument("--tokens", type=int, default=4000, help="of a batch")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


def find_trees(
    made: parsing_model.Made, sentences: Sequence[Sentence], tokens: int
) -> list[tuple[list[int], list[str]]]:
    """The heads and relations of each sentence, in order of the sentences."""
    samples = parsing_data.encode(sentences, made.reader, made.relations)
    decode = parsing_data.Decoder(sentences, made.relations)
    trees: list[Any] = [None] * len(sentences)
    loader = parsing_data.loader(samples, made.reader, tokens, seed=None)
    for *inputs, _, _, places in loader.batches(0):
        outputs = made.net(*(mx.nd.array(field, dtype=field.dtype) for field in inputs))
        mx.nd.waitall()
        for place, heads, relations in decode(mx.nd.array(places), outputs):
            trees[place] = heads, relations
    return trees


def evaluate(args: argparse.Namespace) -> dict[str, Any]:
    """Scores in percent, and sentences a second."""
    made = parsing_model.open_run(args.model)
    made.net.hybridize()
    sentences = read_treebank(args.data)
    start = time.perf_counter()
    trees = find_trees(made, sentences, args.tokens)
    seconds = time.perf_counter() - start
    if args.write:
        pairs = zip(sentences, trees, strict=True)
        write_treebank(args.write, [sentence.with_tree(*tree) for sentence, tree in pairs])
    result = {"model": str(args.model), "sentences": len(sentences)}
    if all(word.head is not None for sentence in sentences for word in sentence.words):
        scores = AttachmentScores()
        scores.update([parsing_data.true_tree(sentence) for sentence in sentences], trees)
        result |= {key: round(100 * value, 2) for key, value in scores.get().items()}
    return {**result, "sentences_per_second": round(len(sentences) / seconds, 1)}


if __name__ == "__main__":
    arguments = parse()
    result = evaluate(arguments)
    if arguments.json:
        print(json.dumps(result))
    else:
        for key, value in result.items():
            print(f"{key}: {value}")
