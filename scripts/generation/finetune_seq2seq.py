"""Fine-tunes a network that writes a text for a text, or trains a small one from nothing.

    python scripts/generation/finetune_seq2seq.py DATA --data-set Multi30k-en-de --model t5_small \\
        --weights path/to/folder --prefix "translate English to German: " --out runs/en-de

DATA holds the data set's files as they are published: any of translation. Without ``--weights`` the
network starts at random, with the sizes of ``--set``, and ``--pieces`` makes its tokenizer from the
training texts. ``--out`` gets logs, ``predictions.txt`` with the translations of ``--split``, and
``model``, a folder for ``toolkit predict`` and for ``transformers``.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from toolkit.data import DataLoader
from toolkit.data.samplers import SortedBuckets
from toolkit.data.text.datasets import load_dataset
from toolkit.data.text.pairs import PAIR_BATCHIFY, TextPairs
from toolkit.data.text.tokenizers import load_tokenizer, train_pieces
from toolkit.model_zoo import get_model, save_huggingface
from toolkit.utils.files import atomic_write
from toolkit.utils.metrics import corpus_bleu
from toolkit.utils.training import (
    Checkpoints,
    Evaluation,
    JsonLog,
    Linear,
    Optimization,
    Progress,
    RunRecord,
    Setup,
    WarmUp,
    fit,
)

import mxnet as mx
from text_pairs import Objective, translate

TOKENIZERS = ("tokenizer.json", "tokenizer_config.json", "spiece.model")


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--data-set", default="Multi30k-en-de")
    parser.add_argument("--split", default="test", help="to translate in the end")
    parser.add_argument("--model", default="t5_small")
    parser.add_argument("--weights", help="a folder; default: at random")
    parser.add_argument("--set", nargs="*", default=[], help="other sizes: layers=3 units=256")
    parser.add_argument("--tokenizer", help="default: the folder of the weights")
    parser.add_argument("--pieces", type=int, help="make a tokenizer of so many pieces instead")
    parser.add_argument("--prefix", default="", help="before each source: what is to be done")
    parser.add_argument("--max-length", type=int, default=128, help="pieces of a text")
    parser.add_argument("--limit", type=int, help="use only so many pairs of each split")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    recipe = parser.add_argument_group("the recipe")
    recipe.add_argument("--batch-size", type=int, default=64)
    recipe.add_argument("--epochs", type=int, default=3)
    recipe.add_argument("--learning-rate", type=float, default=3e-4)
    recipe.add_argument("--warm-up", type=float, default=0.05, help="share of all updates")
    recipe.add_argument("--weight-decay", type=float, default=0.0)
    recipe.add_argument("--smoothing", type=float, default=0.1, help="of the labels")
    recipe.add_argument("--clip", type=float, default=1.0, help="largest norm of the gradient")
    recipe.add_argument("--precision", default="float32")
    return parser.parse_args(arguments)


def open_net(args: argparse.Namespace, vocab_size: int) -> mx.gluon.HybridBlock:
    """The network with its weights or, without any, at random."""
    mx.random.seed(args.seed)
    sizes = {key: int(value) for key, value in (field.split("=") for field in args.set)}
    if not args.weights:
        sizes = {"vocab_size": vocab_size, **sizes}
    net = get_model(args.model, args.weights or False, task="sequence_to_sequence", **sizes)
    if not args.weights:
        net.initialize(mx.init.Xavier())
    net.hybridize()
    return net


def save_model(net: mx.gluon.HybridBlock, args: argparse.Namespace, tokenizer: Path) -> None:
    """Writes the folder ``model``, with the files of the tokenizer."""
    folder = args.out / "model"
    save_huggingface(net, folder)
    files = [tokenizer] if tokenizer.is_file() else tokenizer.iterdir()
    for path in files:
        if path.name in TOKENIZERS:
            shutil.copy(path, folder)


def train(
    net: mx.gluon.HybridBlock, training: TextPairs, scored: TextPairs, args: argparse.Namespace
) -> None:
    order = SortedBuckets(training.lengths, args.batch_size, seed=args.seed)
    batches = DataLoader(training, sampler=order, batchify=PAIR_BATCHIFY, seed=args.seed)
    updates = args.epochs * len(batches)
    warm_up = max(1, round(args.warm_up * updates))
    fit(
        net,
        batches,
        forward=Objective(args.smoothing),
        optimization=Optimization(
            "adamw",
            WarmUp(Linear(args.learning_rate, max(1, updates - warm_up)), warm_up),
            weight_decay=args.weight_decay,
            clip_norm=args.clip,
            precision=args.precision,
        ),
        epochs=args.epochs,
        callbacks=[
            Evaluation(
                DataLoader(scored, args.batch_size, batchify=PAIR_BATCHIFY), forward=Objective()
            ),
            Progress(),
            JsonLog(),
            RunRecord(),
        ],
        setup=Setup(
            seed=args.seed,
            folder=args.out,
            checkpoints=Checkpoints(every_epochs=1, keep=1),
            config=vars(args),
        ),
    )


def main(args: argparse.Namespace) -> dict[str, float]:
    training, scored, testing = (
        list(load_dataset(args.data_set, split, root=args.data))[: args.limit]
        for split in ("train", "val", args.split)
    )
    source = Path(args.tokenizer or args.weights or args.out / "spiece.model")
    if args.pieces:
        train_pieces([text for pair in training for text in pair], args.pieces, source)
    tokenizer = load_tokenizer(source, kind="t5")
    net = open_net(args, len(tokenizer.vocab))
    cut = {"prefix": args.prefix, "max_length": args.max_length, "start": net.encoder.config.start}
    train(net, TextPairs(training, tokenizer, **cut), TextPairs(scored, tokenizer, **cut), args)
    save_model(net, args, source)
    found = translate(net, TextPairs(testing, tokenizer, **cut), args.batch_size)
    with atomic_write(args.out / "predictions.txt", "w") as file:
        file.write("".join(f"{text}\n" for text in found))
    score = corpus_bleu(found, [[target] for _, target in testing])
    print(
        json.dumps({"data": args.data_set, "split": args.split, "seed": args.seed, "bleu": score})
    )
    return {"bleu": score}


if __name__ == "__main__":
    main(parse())
