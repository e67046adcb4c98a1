"""Trains TextCNN on a classification data set, by name.

    python scripts/text_classification/train.py DATA --data-set TREC --out runs/trec

DATA is the folder with the data set's files as they are published (TREC's may lie in ``qc.zip``).
``--hold-out 0.1`` scores that share of the training set instead of the test set, which is how
options are chosen. MR, CR, MPQA and SUBJ have no test set: ``--fold`` says which tenth is one.
Modes with published vectors take them from ``--vectors``.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from toolkit.data import DataLoader
from toolkit.data.batchify import Pad, Stack, Tuple
from toolkit.data.samplers import SortedBuckets
from toolkit.data.text import Vocab, count_tokens
from toolkit.data.text.datasets import load_dataset
from toolkit.data.text.embedding import load_embedding
from toolkit.data.text.glue import read_glue
from toolkit.model_zoo.text.text_cnn import MODES, TextCNN, TextCNNConfig
from toolkit.utils.training import (
    Checkpoints,
    Evaluation,
    InEpochs,
    JsonLog,
    Linear,
    Optimization,
    Progress,
    RunRecord,
    Setup,
    StepResult,
    fit,
)

import mxnet as mx
import numpy as np

SPLITS = {"TREC": "test", "SST_2": "test", "SST_1": "test", "SST-2": "dev"}  # what is scored
WHOLE = ("MR", "CR", "MPQA", "SUBJ")  # without splits: ten folds
Samples = Sequence[tuple[str, int]]


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--data-set", choices=[*SPLITS, *WHOLE], default="TREC")
    parser.add_argument("--fold", type=int, choices=range(10), default=0)
    parser.add_argument("--hold-out", type=float, help="share of the training set to score")
    parser.add_argument("--mode", choices=list(MODES), default="rand")
    parser.add_argument("--vectors", help="a file of word vectors")
    parser.add_argument("--units", type=int, default=300, help="without vectors")
    parser.add_argument("--scale", type=float, default=0.25, help="of vectors before training")
    parser.add_argument("--channels", type=int, default=100)
    parser.add_argument("--dropout", type=float, default=0.5)
    parser.add_argument("--word-dropout", type=float, default=0.0)
    parser.add_argument("--keep-case", action="store_true")
    parser.add_argument("--batch-size", type=int, default=50)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--weight-decay", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args(arguments)


def split(samples: Samples, scored: np.ndarray) -> tuple[Samples, Samples]:
    """Those that are not scored, those that are."""
    chosen = set(scored.tolist())
    rest = [sample for i, sample in enumerate(samples) if i not in chosen]
    return rest, [samples[i] for i in sorted(chosen)]


def open_data(args: argparse.Namespace) -> tuple[Samples, Samples, int]:
    """Samples to train with, samples to score, and the number of classes."""
    order = np.random.default_rng(0)  # the same parts for every seed
    if args.data_set == "SST-2":  # GLUE's
        train, test = (
            [(example.first, int(example.label)) for example in read_glue(args.data, "SST-2", name)]
            for name in ("train", "dev")
        )
        classes = 2
    elif args.data_set in WHOLE:
        data = load_dataset(args.data_set, "all", root=args.data)
        folds = np.array_split(order.permutation(len(data)), 10)
        train, test = split(list(data), folds[args.fold])
        classes = len(data.classes)
    else:
        data = load_dataset(args.data_set, "train", root=args.data)
        train, classes = list(data), len(data.classes)
        test = list(load_dataset(args.data_set, SPLITS[args.data_set], root=args.data))
    if args.hold_out is not None:
        held_out = order.permutation(len(train))[: round(len(train) * args.hold_out)]
        train, test = split(train, held_out)
    return train, test, classes


@dataclass(frozen=True)
class Words:
    """What cuts a text into words."""

    keep_case: bool = False

    def __call__(self, text: str) -> list[str]:
        return (text if self.keep_case else text.lower()).split() or [""]


def encode(samples: Samples, words: Words, vocab: Vocab) -> list[tuple]:
    encoded = []
    for text, label in samples:
        ids = np.array(vocab[words(text)], np.float32)
        encoded.append((ids, np.float32(len(ids)), np.float32(label)))
    return encoded


BATCHIFY = Tuple(Pad(round_to=4), Stack(), Stack())
LOSS = mx.gluon.loss.SoftmaxCELoss()


def objective(net: mx.gluon.Block, batch: tuple) -> StepResult:
    tokens, lengths, labels = batch
    outputs = net(tokens, lengths)
    return StepResult(LOSS(outputs, labels), labels=labels, outputs=outputs)


def make_net(args: argparse.Namespace, vocab: Vocab, classes: int) -> TextCNN:
    if (args.mode == "rand") != (args.vectors is None):
        raise ValueError(f"mode {args.mode!r} and --vectors {args.vectors}: all but rand need them")
    table = load_embedding(args.vectors) if args.vectors else None
    net = TextCNN(
        TextCNNConfig(
            len(vocab),
            classes,
            mode=args.mode,
            units=args.units if table is None else table[vocab.unknown_token].shape[-1],
            channels=args.channels,
            dropout=args.dropout,
            word_dropout=args.word_dropout,
        )
    )
    net.initialize(mx.init.Xavier())
    net.tables.initialize(mx.init.Uniform(args.scale), force_reinit=True)
    if table is not None:
        vectors = net.tables[0].weight.data().asnumpy()  # words without a vector keep these
        known = [i for i, token in enumerate(vocab.idx_to_token) if token in table]
        vectors[known] = table[[vocab.idx_to_token[i] for i in known]]
        net.set_vectors(vectors)
    net.hybridize()
    return net


def main(args: argparse.Namespace) -> dict[str, float]:
    training, testing, classes = open_data(args)
    words = Words(args.keep_case)
    vocab = Vocab(count_tokens(word for text, _ in training for word in words(text)))
    mx.random.seed(args.seed)
    np.random.seed(args.seed)  # MXNet's initializers draw from it
    net = make_net(args, vocab, classes)
    encoded, scored = (encode(samples, words, vocab) for samples in (training, testing))
    order = SortedBuckets([len(ids) for ids, *_ in encoded], args.batch_size, seed=args.seed)
    batches = DataLoader(encoded, sampler=order, batchify=BATCHIFY, seed=args.seed)
    scoring = DataLoader(scored, args.batch_size, batchify=BATCHIFY)
    evaluation = Evaluation(scoring, forward=objective, metrics=[mx.metric.Accuracy()])
    run = fit(
        net,
        batches,
        forward=objective,
        optimization=Optimization(
            "adamw",
            InEpochs(Linear(args.learning_rate, args.epochs)),
            weight_decay=args.weight_decay,
        ),
        epochs=args.epochs,
        callbacks=[evaluation, Progress(), JsonLog(), RunRecord()],
        setup=Setup(
            seed=args.seed,
            folder=args.out,
            checkpoints=Checkpoints(every_epochs=5, keep=1),
            config={key: str(value) for key, value in vars(args).items()},
        ),
    )
    net.save_parameters(str(args.out / "final.params"))
    vocab.save(args.out / "words.vocab")
    accuracy = float(run.values["val_accuracy"])
    print(json.dumps({"data": args.data_set, "seed": args.seed, "accuracy": accuracy}))
    return {"accuracy": accuracy}


if __name__ == "__main__":
    main(parse())
