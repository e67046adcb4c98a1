"""Trains an LSTM language model on running text, by the names of both.

    python scripts/language_model/train.py DATA --data-set PTB --out runs/ptb

DATA is the folder with the data set's files as they are published: PTB's may lie in ``ptb.zip``.
Other sizes than a name's are options: ``--set hidden=300,300 embedding_units=300``. Options are
chosen by the validation split; ``evaluate.py`` scores the test split.
"""

from __future__ import annotations

import argparse
import ast
import json
import math
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from toolkit.model_zoo import get_model
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
    fit,
)

import mxnet as mx
import numpy as np
from corpus import Objective, Perplexity, Pieces, make_vocab, read_words


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--data-set", default="PTB", help="PTB, WikiText2, WikiText103")
    parser.add_argument("--model", default="standard_lstm_lm_200")
    parser.add_argument("--set", nargs="*", default=[], help="other sizes: hidden=300,300")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)
    recipe = parser.add_argument_group("the recipe")
    recipe.add_argument("--epochs", type=int, default=20)
    recipe.add_argument("--batch-size", type=int, default=20)
    recipe.add_argument("--length", type=int, default=35, help="words of a piece")
    recipe.add_argument("--optimizer", default="adamw")
    recipe.add_argument("--learning-rate", type=float, default=3e-3)
    recipe.add_argument("--weight-decay", type=float, default=0.0)
    recipe.add_argument("--clip", type=float, default=0.25, help="largest norm of the gradient")
    recipe.add_argument("--average", type=float, help="decay of an average of the weights")
    recipe.add_argument("--large", type=float, default=0.0, help="penalty on large features")
    recipe.add_argument("--jumps", type=float, default=0.0, help="penalty on their changes")
    return parser.parse_args(arguments)


def sizes(fields: Sequence[str]) -> dict[str, Any]:
    """``hidden=300,300`` as an option of the network."""
    pairs = (field.split("=", 1) for field in fields)
    return {name: ast.literal_eval(value) for name, value in pairs}


def main(args: argparse.Namespace) -> dict[str, float]:
    training, validation = (read_words(args.data, args.data_set, s) for s in ("train", "valid"))
    vocab = make_vocab(training)
    args.out.mkdir(parents=True, exist_ok=True)
    vocab.save(args.out / "words.vocab")
    mx.random.seed(args.seed)
    np.random.seed(args.seed)  # MXNet's initializers draw from it
    net = get_model(args.model, vocab_size=len(vocab), **sizes(args.set))
    net.initialize(mx.init.Uniform(0.1))
    pieces = Pieces(np.array(vocab[training]), args.batch_size, args.length, args.seed)
    scored = Pieces(np.array(vocab[validation]), 10, 70)
    run = fit(
        net,
        pieces,
        forward=Objective(args.large, args.jumps),
        optimization=Optimization(
            args.optimizer,
            InEpochs(Linear(args.learning_rate, args.epochs)),
            weight_decay=args.weight_decay,
            clip_norm=args.clip,
            average=args.average,
        ),
        epochs=args.epochs,
        callbacks=[
            Evaluation(scored, forward=Objective()),
            Perplexity(),
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
    with run.average.applied() if run.average else nullcontext():
        net.save_parameters(str(args.out / "final.params"))
    perplexity = math.exp(run.values["val_loss"])
    print(json.dumps({"model": args.model, "seed": args.seed, "valid_perplexity": perplexity}))
    return {"valid_perplexity": perplexity}


if __name__ == "__main__":
    main(parse())
