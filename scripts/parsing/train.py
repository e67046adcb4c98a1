"""Trains a dependency parser on a treebank in CoNLL-U or CoNLL-X.

    python scripts/parsing/train.py en_ewt-ud-train.conllu --dev en_ewt-ud-dev.conllu --out runs/ewt

On words, with Dozat and Manning's network, or with ``--encoder NAME --weights FOLDER`` on the first
pieces of words. ``--tags upos`` or ``xpos`` gives the network the tags that the treebank has;
without, it reads words alone. ``--subwords BUCKETS`` adds the vectors of its hashed n-grams of
characters to that of each word. While training, ``--dev`` is scored and nothing is picked by it.
OUT gets the log, the record, checkpoints, ``final.params`` and what ``evaluate.py`` needs.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from toolkit.data.text import read_treebank
from toolkit.nn import MODES
from toolkit.utils.training import (
    Checkpoints,
    Evaluation,
    Group,
    InEpochs,
    JsonLog,
    Linear,
    Optimization,
    Progress,
    RunRecord,
    Setup,
    WarmUp,
    fit,
    seed_everything,
)

import parsing_data
import parsing_model


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("train", type=Path, help="a file of trees")
    parser.add_argument("--dev", type=Path, help="another, which is only scored")
    parser.add_argument("--limit", type=int, help="use only so many sentences of each")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    add_word_options(parser.add_argument_group("a network on words"))
    add_encoder_options(parser.add_argument_group("a network on an encoder"))
    add_recipe_options(parser.add_argument_group("both, and the recipe"))
    return parser.parse_args(arguments)


def add_word_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--tags", choices=["none", *parsing_data.COLUMNS], default="none")
    group.add_argument("--mode", choices=list(MODES), default="rand")
    group.add_argument("--vectors", help="a file of word vectors")
    group.add_argument("--scale", type=float, default=0.25, help="of vectors before training")
    group.add_argument("--min-freq", type=int, default=2, help="of a word that has a vector")
    group.add_argument("--units", type=int, default=100, help="of a word, without --vectors")
    group.add_argument("--tag-units", type=int, default=50)
    group.add_argument("--subwords", type=int, default=0, help="buckets of n-grams of characters")
    group.add_argument("--subword-lengths", type=int, nargs="+", default=[2, 3, 4, 5])
    group.add_argument("--hidden", type=int, default=400, help="of each direction")
    group.add_argument("--layers", type=int, default=3)
    group.add_argument("--state-dropout", type=float, default=0.33)
    group.add_argument("--word-dropout", type=float, default=0.33)


def add_encoder_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--encoder", help="name of a text model")
    group.add_argument("--weights", help="a folder, a file, or a published data set")
    group.add_argument("--tokenizer", help="default: the folder of the weights")
    group.add_argument("--max-length", type=int, default=256, help="pieces of a sentence")
    group.add_argument("--encoder-rate", type=float, default=0.1, help="of the learning rate")


def add_recipe_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--arc-units", type=int, default=500)
    group.add_argument("--relation-units", type=int, default=100)
    group.add_argument("--dropout", type=float, default=0.33)
    group.add_argument("--tokens", type=int, default=2000, help="of a batch, padding included")
    group.add_argument("--epochs", type=int, default=30)
    group.add_argument("--learning-rate", type=float, default=2e-3, help="at the peak")
    group.add_argument("--warm-up", type=float, default=0.5, help="epochs to the peak")
    group.add_argument("--weight-decay", type=float, default=0.0)
    group.add_argument("--beta2", type=float, default=0.9, help="of AdamW; 0.9 is the paper's")
    group.add_argument("--clip-norm", type=float, default=5.0)
    group.add_argument("--average", type=float, help="decay of the mean of weights that is scored")
    group.add_argument("--precision", default="float32")


def optimization(args: argparse.Namespace) -> Optimization:
    """AdamW under a warm-up and a line to zero."""
    if not 0 <= args.warm_up < args.epochs:
        raise SystemExit(f"error: --warm-up {args.warm_up:g} is not below --epochs {args.epochs}")
    line = Linear(args.learning_rate, args.epochs - args.warm_up)
    slower = Group(r"^encoder\.", learning_rate=args.encoder_rate)
    return Optimization(
        "adamw",
        InEpochs(WarmUp(line, args.warm_up) if args.warm_up else line),
        options={"beta2": args.beta2},
        weight_decay=args.weight_decay,
        groups=(slower,) if args.encoder else (),
        clip_norm=args.clip_norm,
        average=args.average,
        precision=args.precision,
    )


def main(args: argparse.Namespace) -> dict[str, float]:
    sentences = read_treebank(args.train)[: args.limit]
    seed_everything(args.seed)
    make = parsing_model.make_encoder if args.encoder else parsing_model.make_words
    made = make(args, sentences)
    made.net.hybridize()
    samples = parsing_data.encode(sentences, made.reader, made.relations)
    batches = parsing_data.loader(samples, made.reader, args.tokens, seed=args.seed)
    callbacks: list = []
    if args.dev:
        scored = read_treebank(args.dev)[: args.limit]
        held = parsing_data.encode(scored, made.reader, made.relations)
        scoring = parsing_data.loader(held, made.reader, args.tokens, seed=None)
        metric = parsing_data.TreeMetric(parsing_data.Decoder(scored, made.relations))
        forward = parsing_data.objective
        callbacks.append(Evaluation(scoring, forward=forward, metrics=[metric]))
    run = fit(
        made.net,
        batches,
        forward=parsing_data.objective,
        optimization=optimization(args),
        epochs=args.epochs,
        callbacks=[*callbacks, Progress(), JsonLog(), RunRecord()],
        setup=Setup(seed=args.seed, folder=args.out, checkpoints=Checkpoints(), config=vars(args)),
    )
    with run.average.applied() if run.average else nullcontext():
        made.net.save_parameters(str(args.out / parsing_model.WEIGHTS))
    scores = {k.removeprefix("val_"): v for k, v in run.values.items() if k.startswith("val_")}
    print(json.dumps({"seed": args.seed, "tags": args.tags, **scores}))
    return scores


if __name__ == "__main__":
    main(parse())
