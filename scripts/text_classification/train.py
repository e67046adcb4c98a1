"""Trains a text classifier on a data set, by the names of both.

    python scripts/text_classification/train.py DATA --data-set TREC --out runs/trec

DATA is the folder with the data set's files as they are published (TREC's may lie in ``qc.zip``).
``--hold-out 0.1`` scores that share of the training set instead of the test set, which is how
options are chosen; of SST-2, whose training set is phrases, it is a share of the whole sentences.
MR, CR, MPQA and SUBJ have no test set: ``--fold`` says which tenth is one. Modes with published
vectors take them from ``--vectors``. ``--model fasttext`` hashes n-grams of words into
``--buckets`` and is trained by SGD, the others by AdamW. ``--subwords BUCKETS`` adds the vectors of
its hashed n-grams of characters to that of each word, known or not.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.data import DataLoader
from toolkit.data.batchify import Pad, Stack, Tuple
from toolkit.data.samplers import SortedBuckets
from toolkit.data.text import NGramHashes, SubwordRows, Vocab, WordNGrams, count_tokens
from toolkit.data.text.embedding import load_embedding
from toolkit.model_zoo.text.bag_of_vectors import BagOfVectors, BagOfVectorsConfig
from toolkit.model_zoo.text.text_cnn import TextCNN, TextCNNConfig
from toolkit.model_zoo.text.text_lstm import TextLSTM, TextLSTMConfig
from toolkit.nn import MODES, POOLS
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
from samples import SPLITS, WHOLE, Samples, open_samples


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--data-set", choices=[*SPLITS, *WHOLE], default="TREC")
    parser.add_argument("--fold", type=int, choices=range(10), default=0)
    parser.add_argument("--hold-out", type=float, help="share of the training set to score")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    add_network_options(parser.add_argument_group("the network"))
    add_recipe_options(parser.add_argument_group("the recipe"))
    return parser.parse_args(arguments)


def add_network_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--model", choices=list(NETWORKS), default="text_cnn")
    group.add_argument("--mode", choices=list(MODES), default="rand")
    group.add_argument("--vectors", help="a file of word vectors")
    group.add_argument("--units", type=int, default=300, help="without vectors")
    group.add_argument("--scale", type=float, default=0.25, help="of vectors before training")
    group.add_argument("--channels", type=int, default=100, help="of each filter width (text_cnn)")
    group.add_argument(
        "--widths",
        type=int,
        nargs="+",
        default=[3, 4, 5],
        help="words that a filter sees (text_cnn)",
    )
    group.add_argument("--hidden", type=int, default=100, help="of each direction (lstm)")
    group.add_argument("--layers", type=int, default=1, help="of the lstm")
    group.add_argument(
        "--pool",
        choices=list(POOLS),
        nargs="+",
        help="default: max of text_cnn, which takes several, mean of the others",
    )
    group.add_argument("--dropout", type=float, default=0.5)
    group.add_argument("--word-dropout", type=float, default=0.0)
    group.add_argument("--ngrams", type=int, default=2, help="words of the longest (fasttext)")
    group.add_argument("--buckets", type=int, default=200_000, help="of n-grams (fasttext)")
    group.add_argument("--subwords", type=int, default=0, help="buckets of n-grams of characters")
    group.add_argument("--subword-lengths", type=int, nargs="+", default=[3, 4, 5, 6])
    group.add_argument("--keep-case", action="store_true")
    group.add_argument("--min-freq", type=int, default=1, help="of a word that has a vector")


def add_recipe_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--batch-size", type=int, default=50)
    group.add_argument("--epochs", type=int, default=15)
    group.add_argument("--learning-rate", type=float, default=1e-3)
    group.add_argument("--weight-decay", type=float, default=0.0)
    group.add_argument("--epsilon", type=float, default=1e-8, help="of AdamW")
    group.add_argument("--average", type=float, help="decay of the mean of weights that is scored")


BATCHIFY = Tuple(Pad(round_to=4), Stack(), Stack())
BATCHIFY_SUBWORDS = Tuple(Pad(axis=(0, 1), value=-1, round_to=4), Stack(), Stack())


@dataclass(frozen=True)
class Words:
    """What cuts a text into words."""

    keep_case: bool = False

    def __call__(self, text: str) -> list[str]:
        return (text if self.keep_case else text.lower()).split() or [""]


@dataclass(frozen=True)
class Ids:
    """What turns a text into numbers: of its words and, behind the vocabulary, of its n-grams.

    With subwords it is a row a word: its number, then those of its n-grams of characters.
    """

    words: Words
    vocab: Vocab
    ngrams: WordNGrams | None = None
    subwords: SubwordRows | None = None

    def __len__(self) -> int:
        return len(self.vocab) + (len(self.ngrams) if self.ngrams else 0)

    def __call__(self, text: str) -> np.ndarray:
        words = self.words(text)
        ids = np.array(self.vocab[words], np.float32)
        if self.subwords is not None:
            return np.concatenate([ids[:, np.newaxis], self.subwords(words)], axis=1)
        if self.ngrams is None:
            return ids
        return np.concatenate([ids, len(self.vocab) + self.ngrams(words).astype(np.float32)])


def encode(samples: Samples, ids: Ids) -> list[tuple]:
    encoded = []
    for text, label in samples:
        numbers = ids(text)
        encoded.append((numbers, np.float32(len(numbers)), np.float32(label)))
    return encoded


LOSS = mx.gluon.loss.SoftmaxCELoss()


def objective(net: mx.gluon.Block, batch: tuple) -> StepResult:
    tokens, lengths, labels = batch
    outputs = net(tokens, lengths)
    return StepResult(LOSS(outputs, labels), labels=labels, outputs=outputs)


@dataclass(frozen=True)
class Kind:
    """A network by name, and how it is trained."""

    make: Callable[..., mx.gluon.HybridBlock]  # of options, and the sizes that data give
    optimizer: str = "adamw"
    ngrams: bool = False  # of words, besides the words


def text_cnn(args: argparse.Namespace, **sizes: int) -> TextCNN:
    options = {"widths": tuple(args.widths), "pools": tuple(args.pool or ["max"])}
    config = TextCNNConfig(channels=args.channels, **options, **shared(args), **sizes)
    return TextCNN(config)


def lstm(args: argparse.Namespace, **sizes: int) -> TextLSTM:
    options = {"hidden": args.hidden, "layers": args.layers, "pool": single_pool(args)}
    return TextLSTM(TextLSTMConfig(**options, **shared(args), **sizes))


def bag_of_vectors(args: argparse.Namespace, **sizes: int) -> BagOfVectors:
    return BagOfVectors(BagOfVectorsConfig(pool=single_pool(args), **shared(args), **sizes))


def fasttext(args: argparse.Namespace, **sizes: int) -> BagOfVectors:
    config = BagOfVectorsConfig(pool=single_pool(args), sparse=True, **shared(args), **sizes)
    return BagOfVectors(config)


def single_pool(args: argparse.Namespace) -> str:
    """The one pool of networks that have one."""
    names = args.pool or ["mean"]
    if len(names) > 1:
        raise ValueError(f"{args.model} has one pool, got {', '.join(names)}")
    return str(names[0])


def shared(args: argparse.Namespace) -> dict[str, Any]:
    """The options that all networks have."""
    names = ("mode", "dropout", "word_dropout", "subwords")
    return {name: getattr(args, name) for name in names}


NETWORKS: Mapping[str, Kind] = {
    "text_cnn": Kind(text_cnn),
    "lstm": Kind(lstm),
    "bag_of_vectors": Kind(bag_of_vectors),
    "fasttext": Kind(fasttext, "sgd", ngrams=True),
}


def make_ids(args: argparse.Namespace, words: Words, vocab: Vocab) -> Ids:
    if not NETWORKS[args.model].ngrams:
        lengths = tuple(args.subword_lengths)
        return Ids(
            words,
            vocab,
            subwords=SubwordRows(NGramHashes(args.subwords, lengths)) if args.subwords else None,
        )
    if args.subwords:
        raise ValueError(f"{args.model} has n-grams of words, got --subwords {args.subwords}")
    return Ids(words, vocab, WordNGrams(args.buckets, args.ngrams))


def make_net(args: argparse.Namespace, ids: Ids, classes: int) -> mx.gluon.HybridBlock:
    if (args.mode == "rand") != (args.vectors is None):
        raise ValueError(f"mode {args.mode!r} and --vectors {args.vectors}: all but rand need them")
    table = load_embedding(args.vectors) if args.vectors else None
    vocab = ids.vocab
    units = args.units if table is None else table[vocab.unknown_token].shape[-1]
    make = NETWORKS[args.model].make
    net = make(args, vocab_size=len(ids), classes=classes, units=units)
    net.initialize(mx.init.Xavier())
    net.words.initialize(mx.init.Uniform(args.scale), force_reinit=True)
    if table is not None:
        net.words.set_known_vectors(vocab.idx_to_token, table)
    net.hybridize()
    return net


def main(args: argparse.Namespace) -> dict[str, float]:
    training, testing, classes = open_samples(
        args.data, args.data_set, fold=args.fold, share=args.hold_out
    )
    words = Words(args.keep_case)
    counts = count_tokens(word for text, _ in training for word in words(text))
    vocab = Vocab(counts, min_freq=args.min_freq)
    mx.random.seed(args.seed)
    np.random.seed(args.seed)  # MXNet's initializers draw from it
    ids = make_ids(args, words, vocab)
    net = make_net(args, ids, classes)
    encoded, scored = (encode(samples, ids) for samples in (training, testing))
    order = SortedBuckets([len(ids) for ids, *_ in encoded], args.batch_size, seed=args.seed)
    batchify = BATCHIFY_SUBWORDS if ids.subwords else BATCHIFY
    batches = DataLoader(encoded, sampler=order, batchify=batchify, seed=args.seed)
    scoring = DataLoader(scored, args.batch_size, batchify=batchify)
    evaluation = Evaluation(scoring, forward=objective, metrics=[mx.metric.Accuracy()])
    kind = NETWORKS[args.model]
    run = fit(
        net,
        batches,
        forward=objective,
        optimization=Optimization(
            kind.optimizer,
            InEpochs(Linear(args.learning_rate, args.epochs)),
            options={"epsilon": args.epsilon} if kind.optimizer == "adamw" else {},
            weight_decay=args.weight_decay,
            average=args.average,
        ),
        epochs=args.epochs,
        callbacks=[evaluation, Progress(), JsonLog(), RunRecord()],
        setup=Setup(
            seed=args.seed,
            folder=args.out,
            checkpoints=Checkpoints(every_epochs=5, keep=1),
            config=vars(args),
        ),
    )
    with run.average.applied() if run.average else nullcontext():
        net.save_parameters(str(args.out / "final.params"))
    vocab.save(args.out / "words.vocab")
    accuracy = float(run.values["val_accuracy"])
    print(
        json.dumps(
            {"data": args.data_set, "model": args.model, "seed": args.seed, "accuracy": accuracy}
        )
    )
    return {"accuracy": accuracy}


if __name__ == "__main__":
    main(parse())
