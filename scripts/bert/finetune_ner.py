"""Fine-tunes an encoder to tag words: names (WNUT17, CoNLL2003) or chunks (CoNLL2000).

    python scripts/bert/finetune_ner.py DATA --data-set WNUT17 --model minilm_6_384_12 \\
        --weights path/to/folder --out runs/wnut

DATA holds the data set's files as they are published. The tag of a word is that of its first piece;
words beyond ``--max-length`` count as predicted "O". ``--out`` gets ``predictions.conll``, one word
a line with the true and the predicted tag, as the shared task's own script reads it, and ``model``,
a folder for ``toolkit predict``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from toolkit.data import DataLoader
from toolkit.data.text.datasets import load_dataset
from toolkit.data.text.tokenizers import load_tokenizer
from toolkit.utils.files import atomic_write
from toolkit.utils.metrics.entities import OUTSIDE, EntityScores
from toolkit.utils.training import Evaluation, StepResult

import mxnet as mx
import tagging
import tuning

SCORED = {"WNUT17": "dev", "CoNLL2003": "testa", "CoNLL2002-esp": "testa", "CoNLL2000": "test"}


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--data-set", choices=list(SCORED), default="WNUT17")
    parser.add_argument("--split", help="to score; default the development set, if there is one")
    tuning.add_options(parser, epochs=3, learning_rate=5e-5, max_length=128)
    return parser.parse_args(arguments)


def objective(net: mx.gluon.Block, batch: tuple) -> StepResult:
    tokens, segments, lengths, tags, _ = batch
    outputs = net(tokens, segments, lengths)
    return StepResult(tagging.LOSS(outputs, tags), labels=tags, outputs=outputs)


def write_predictions(
    path: Path, sentences: Sequence[tuple], predicted: Sequence[Sequence[str]]
) -> None:
    with atomic_write(path, "w") as file:
        for (words, tags, _), found in zip(sentences, predicted, strict=True):
            for row in zip(words, tags, found, strict=True):
                file.write(" ".join(row) + "\n")
            file.write("\n")


def main(args: argparse.Namespace) -> dict[str, float]:
    training, testing = (
        [(row[0], row[-1], 0) for row in load_dataset(args.data_set, split, root=args.data)]
        for split in ("train", args.split or SCORED[args.data_set])
    )
    training, testing = training[: args.limit], testing[: args.limit]
    tags = sorted({tag for _, own, _ in training for tag in own} | {OUTSIDE})
    tokenizer = load_tokenizer(args.tokenizer or args.weights)
    train, test = (
        tagging.encode(part, tags, tokenizer, args.max_length) for part in (training, testing)
    )
    net = tuning.open_net(args, "token_classifier", classes=len(tags))
    scoring = DataLoader(test, args.batch_size, batchify=tagging.BATCHIFY)
    evaluation = Evaluation(scoring, forward=objective, metrics=[tagging.PieceScores(tags)])
    batches = train.batches(args.batch_size, args.seed)
    tuning.tune(net, batches, args, forward=objective, callbacks=[evaluation])
    outputs = tagging.predict_scores(net, test, args.batch_size)
    predicted = tagging.word_tags(test, [one for (one,) in outputs], tags)
    write_predictions(args.out / "predictions.conll", testing, predicted)
    tuning.save_model(net, args, tags)
    scores = EntityScores()
    scores.update([own for _, own, _ in testing], predicted)
    print(json.dumps({"data": args.data_set, "seed": args.seed, **scores.get()}))
    return scores.get()


if __name__ == "__main__":
    main(parse())
