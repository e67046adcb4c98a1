"""What the scripts that fine-tune encoders share: options, the optimization and the run."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from toolkit.data import DataLoader
from toolkit.data.text.tokenizers import copy_tokenizer
from toolkit.model_zoo import get_model, save_huggingface
from toolkit.utils.files import atomic_write
from toolkit.utils.training import (
    Checkpoints,
    Group,
    JsonLog,
    Linear,
    Optimization,
    Progress,
    Run,
    RunRecord,
    Setup,
    StepResult,
    WarmUp,
    fit,
)

import mxnet as mx


def add_options(
    parser: argparse.ArgumentParser, *, epochs: int, learning_rate: float, max_length: int
) -> None:
    parser.add_argument("--model", default="bert_12_768_12")
    parser.add_argument("--weights", help="a folder, a file, or a published data set")
    parser.add_argument("--tokenizer", help="default: the folder of the weights")
    parser.add_argument("--max-length", type=int, default=max_length)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--accumulate", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=epochs)
    parser.add_argument("--updates", type=int, help="so many instead of whole epochs")
    parser.add_argument("--learning-rate", type=float, default=learning_rate)
    parser.add_argument("--warm-up", type=float, default=0.1, help="share of all updates")
    parser.add_argument("--layer-decay", type=float, default=1.0)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--limit", type=int, help="use only so many examples of each split")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True)


def open_net(args: argparse.Namespace, task: str, **options: Any) -> mx.gluon.HybridBlock:
    """The network of a task, with its weights or, without any, at random."""
    mx.random.seed(args.seed)
    net = get_model(args.model, args.weights or False, task=task, **options)
    if not args.weights:
        net.initialize(mx.init.Normal(0.02))
    net.hybridize()
    return net


def write_lines(path: Path, lines: Sequence[str]) -> None:
    with atomic_write(path, "w") as file:
        file.write("".join(f"{line}\n" for line in lines))


def save_model(
    net: mx.gluon.HybridBlock, args: argparse.Namespace, labels: Sequence[str] = ()
) -> None:
    """Writes the folder ``model``, which ``toolkit predict`` and ``transformers`` load."""
    folder = args.out / "model"
    save_huggingface(net, folder, labels=labels)
    copy_tokenizer(args.tokenizer or args.weights, folder)


def layer_groups(layers: int, decay: float) -> tuple[Group, ...]:
    """Lower layers learn more slowly: by ``decay`` for each layer between them and the head."""
    if decay == 1:
        return ()
    rows = [(rf"encoder\.layers\.{k}\.", layers - k) for k in range(layers)]
    rows.append((r"encoder\.embeddings\.", layers + 1))
    return tuple(Group(pattern, learning_rate=decay**power) for pattern, power in rows)


def tune(
    net: mx.gluon.HybridBlock,
    batches: DataLoader,
    args: argparse.Namespace,
    *,
    forward: Callable[[Any, Any], StepResult],
    callbacks: Sequence[Any] = (),
) -> Run:
    """Trains as BERT's authors tune; the folder gets logs, a checkpoint and ``final.params``."""
    updates = args.updates or args.epochs * -(-len(batches) // args.accumulate)
    warm_up = max(1, round(args.warm_up * updates))
    optimization = Optimization(
        "adamw",
        WarmUp(Linear(args.learning_rate, max(1, updates - warm_up)), warm_up),
        options={"epsilon": 1e-8},
        weight_decay=0.01,
        groups=layer_groups(net.encoder.config.layers, args.layer_decay),
        clip_norm=1.0,
        accumulate=args.accumulate,
        precision=args.precision,
    )
    run = fit(
        net,
        batches,
        forward=forward,
        optimization=optimization,
        epochs=None if args.updates else args.epochs,
        steps=args.updates,
        callbacks=[*callbacks, Progress(), JsonLog(), RunRecord()],
        setup=Setup(seed=args.seed, folder=args.out, checkpoints=Checkpoints(), config=vars(args)),
    )
    net.save_parameters(str(args.out / "final.params"))
    return run
