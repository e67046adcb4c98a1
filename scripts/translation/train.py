"""Trains a Transformer to translate, from nothing, on pairs of lines.

    python scripts/translation/train.py DATA --data-set Multi30k-en-de --out runs/en-de

DATA holds the data set's files as they are published: any of translation. Both languages are cut
into the same pieces, made of the training texts. Sizes other than the name's are options: ``--set
layers=3 units=256``. ``--out`` gets logs, ``pieces.model`` and ``final.params``, the moving average
of the weights; ``evaluate.py`` translates with them. Marian's names leave a folder ``model``, too,
for ``toolkit predict`` and ``transformers``. The same command again goes on where it ended.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from toolkit.data.text.datasets import load_dataset
from toolkit.data.text.pairs import TextPairs
from toolkit.data.text.tokenizers import train_pieces
from toolkit.utils.training import (
    Checkpoints,
    Evaluation,
    InverseSquareRoot,
    JsonLog,
    Optimization,
    Progress,
    RunRecord,
    Setup,
    WarmUp,
    fit,
)

import mxnet as mx
import numpy as np
from translation_data import (
    PIECES,
    WEIGHTS,
    Objective,
    loader,
    make_net,
    open_pieces,
    save_folder,
)


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--data-set", default="Multi30k-en-de")
    parser.add_argument("--model", default="transformer_en_de_512")
    parser.add_argument("--set", nargs="*", default=[], help="other sizes: layers=3 units=256")
    parser.add_argument("--pieces", type=int, default=8000, help="of both languages together")
    parser.add_argument("--max-length", type=int, default=128, help="pieces of a text")
    parser.add_argument("--limit", type=int, help="use only so many pairs of each split")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    recipe = parser.add_argument_group("the recipe")
    recipe.add_argument("--tokens", type=int, default=4096, help="pieces of a batch, with padding")
    recipe.add_argument("--epochs", type=int, default=30)
    recipe.add_argument("--learning-rate", type=float, default=1e-3, help="the highest")
    recipe.add_argument("--warm-up", type=int, default=4000, help="updates up to the highest")
    recipe.add_argument("--smoothing", type=float, default=0.1, help="of the labels")
    recipe.add_argument("--clip", type=float, default=1.0, help="largest norm of the gradient")
    recipe.add_argument("--average", type=float, default=0.999, help="decay, of the weights")
    recipe.add_argument("--precision", default="float32")
    return parser.parse_args(arguments)


def optimization(args: argparse.Namespace) -> Optimization:
    """The recipe of Vaswani et al., 2017, and a moving average in place of their last weights."""
    return Optimization(
        "adam",
        WarmUp(InverseSquareRoot(args.learning_rate, args.warm_up), args.warm_up),
        options={"beta2": 0.98, "epsilon": 1e-9},
        clip_norm=args.clip,
        average=args.average,
        precision=args.precision,
    )


def main(args: argparse.Namespace) -> dict[str, float]:
    training, scored = (
        list(load_dataset(args.data_set, split, root=args.data))[: args.limit]
        for split in ("train", "val")
    )
    if not (args.out / PIECES).is_file():
        texts = [text for pair in training for text in pair]
        train_pieces(texts, args.pieces, args.out / PIECES, kind="bpe")
    pieces = open_pieces(args.out / PIECES)
    mx.random.seed(args.seed)
    np.random.seed(args.seed)  # MXNet's initializers draw from it
    net = make_net(args.model, args.set, len(pieces.vocab))
    net.initialize(mx.init.Xavier())
    net.hybridize()
    cut = {"max_length": args.max_length, "start": net.encoder.config.start}
    pairs, others = (TextPairs(rows, pieces, **cut) for rows in (training, scored))
    run = fit(
        net,
        loader(pairs, args.tokens, shuffle=True, seed=args.seed),
        forward=Objective(args.smoothing),
        optimization=optimization(args),
        epochs=args.epochs,
        callbacks=[
            Evaluation(loader(others, args.tokens, shuffle=False), forward=Objective()),
            Progress(),
            JsonLog(),
            RunRecord(),
        ],
        setup=Setup(
            seed=args.seed,
            folder=args.out,
            checkpoints=Checkpoints(every_epochs=1, every_minutes=5, keep=1),
            config=vars(args),
        ),
    )
    with run.average.applied() if run.average else nullcontext():
        net.save_parameters(str(args.out / WEIGHTS))
        if "translator" in net.info.huggingface.get("architectures", ()):
            save_folder(net, pieces, args.out / "model")
    found = {"val_loss": run.values["val_loss"], "val_perplexity": math.exp(run.values["val_loss"])}
    print(json.dumps({"data": args.data_set, "model": args.model, "seed": args.seed, **found}))
    return found


if __name__ == "__main__":
    main(parse())
