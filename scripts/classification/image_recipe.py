"""What the classification scripts share: options, the objective, the run and what it leaves."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from toolkit.data import DataLoader
from toolkit.data.samplers import ShardedBatches, ShuffledBatches
from toolkit.data.vision.transforms import mixup
from toolkit.loss import DistillationLoss, SoftCrossEntropyLoss, SoftmaxCrossEntropyLoss
from toolkit.model_zoo import get_arrays, get_model
from toolkit.utils.checkpoints import write_params
from toolkit.utils.training import (
    Checkpoints,
    Evaluation,
    Group,
    JsonLog,
    Optimization,
    Progress,
    Run,
    RunRecord,
    Setup,
    StepResult,
    Workers,
    fit,
    seed_everything,
    supervised,
    warm_cosine,
)

import mxnet as mx
from mxnet import autograd


def add_options(parser: argparse.ArgumentParser, **defaults: Any) -> None:
    """The options of every recipe; ``defaults`` are what this one is known to do well with."""
    add = parser.add_argument
    add("--out", type=Path, required=True, help="folder of the run; an earlier one is resumed")
    add("--epochs", type=int)
    add("--batch-size", type=int)
    add("--learning-rate", type=float, help="at the peak")
    add("--warmup", type=float, help="epochs to the peak; a cosine to 0 follows")
    add("--momentum", type=float, default=0.9)
    add("--weight-decay", type=float, help="of weights, not of biases and normalization")
    add("--average", type=float, help="decay of a moving average, which is what is scored and left")
    add("--precision", default="float32", help="of the heavy layers: bfloat16, float16")
    add("--smoothing", type=float, default=0.0, help="of labels")
    add("--score-every", type=int, default=1, help="epochs between scores on the test data")
    add("--workers", type=int, default=0, help="processes that load data")
    add("--kvstore", default="dist_sync", help="of a job, if this is in one")
    add("--log-every", type=int, default=50, help="updates")
    add("--seed", type=int, default=1)
    parser.set_defaults(**defaults)


def add_model_options(parser: argparse.ArgumentParser, **defaults: Any) -> None:
    """The options of recipes that train any published network."""
    add = parser.add_argument
    add("--model", help="published name")
    add("--weights", nargs="?", const=True, help="to start from: a tag, a file, or the published")
    add("--freeze", help="pattern of the names of parameters that stay as they are")
    add("--mixup", type=float, default=0.0, metavar="ALPHA", help="0 for none")
    add("--teacher", help="published name of a network to learn from, too")
    add("--teacher-weights", help="a tag or a file; default: the published weights")
    add("--temperature", type=float, default=4.0, help="of the teacher's answers")
    add("--hard-weight", type=float, default=0.5, help="of the labels, beside a teacher")
    parser.set_defaults(**defaults)


def make_net(args: argparse.Namespace, classes: int) -> Any:
    """The network to be trained; seeds everything, since its first weights are drawn."""
    seed_everything(args.seed)
    if not args.weights:
        net = get_model(args.model, classes=classes)
        net.initialize(mx.init.MSRAPrelu())
        return net
    net = get_model(args.model, args.weights)
    if net.classes != classes:
        net.reset_classifier(classes)
    return net


def training_loader(data: Any, args: argparse.Namespace, job: Workers, **how: Any) -> DataLoader:
    """This process's share of shuffled batches; a last one that is short is left out.

    ``how`` are the loader's transforms.
    """
    order = ShuffledBatches(len(data), args.batch_size, "discard", args.seed)
    share = ShardedBatches(order, job.rank, job.size)
    return DataLoader(data, sampler=share, workers=args.workers, seed=args.seed, **how)


def testing_loader(data: Any, args: argparse.Namespace, **how: Any) -> DataLoader:
    """All of the test data, which each process of a job scores for itself."""
    return DataLoader(data, args.batch_size, workers=args.workers, **how)


def mixing(args: argparse.Namespace, classes: int) -> Callable[..., Any] | None:
    """The transform of whole batches that the options ask for."""
    return partial(mixup, classes=classes, alpha=args.mixup) if args.mixup else None


def objective(args: argparse.Namespace) -> Callable[[Any, Any], StepResult]:
    """What a network of the zoo is trained for."""
    loss = SoftCrossEntropyLoss if args.mixup else SoftmaxCrossEntropyLoss
    hard = loss(args.smoothing)
    if not args.teacher:
        hard.hybridize()
        return supervised(hard)
    teacher = get_model(args.teacher, args.teacher_weights or True)
    teacher.hybridize(static_alloc=True, static_shape=True)
    both = DistillationLoss(hard, temperature=args.temperature, hard_weight=args.hard_weight)
    both.hybridize()
    return Distilled(teacher, both)


@dataclass(frozen=True)
class Distilled:
    """Trains for labels and for what a teacher says of the same pictures."""

    teacher: Any
    loss: DistillationLoss

    def __call__(self, net: Any, batch: Any) -> StepResult:
        inputs, labels = batch
        with autograd.pause():
            wanted = self.teacher(inputs)
        outputs = net(inputs)
        return StepResult(self.loss(outputs, labels, wanted), labels=labels, outputs=outputs)


def optimization(args: argparse.Namespace, *groups: Group) -> Optimization:
    """Nesterov momentum under a warm-up and a cosine."""
    try:
        schedule = warm_cosine(args.learning_rate, args.epochs, args.warmup)
    except ValueError as error:
        raise SystemExit(f"error: --warmup and --epochs: {error}") from error
    return Optimization(
        "nag",
        schedule,
        options={"momentum": args.momentum},
        weight_decay=args.weight_decay,
        groups=groups,
        average=args.average,
        precision=args.precision,
    )


def train(
    net: Any,
    training: Any,
    testing: Any,
    *,
    args: argparse.Namespace,
    forward: Callable[[Any, Any], StepResult],
    job: Workers,
    groups: tuple[Group, ...] = (),
) -> Run:
    """Trains and scores; leaves log, record, checkpoints and ``final.params`` in ``args.out``.

    An earlier run in the same folder is gone on with. Nothing is picked by the test data.
    """
    net.hybridize(static_alloc=True, static_shape=True)
    score = Evaluation(
        testing,
        forward=supervised(SoftmaxCrossEntropyLoss()),
        metrics=[mx.metric.Accuracy()],
        every_epochs=args.score_every,
        prefix="test_",
    )
    run = fit(
        net,
        training,
        forward=forward,
        optimization=optimization(args, *groups),
        epochs=args.epochs,
        callbacks=[score, Progress(), JsonLog(), RunRecord()],
        setup=Setup(
            seed=args.seed,
            log_every=args.log_every,
            folder=args.out,
            checkpoints=Checkpoints(),
            workers=job,
            config=vars(args),
        ),
    )
    if not job.rank:
        arrays = run.average.arrays() if run.average else get_arrays(net)
        write_params(args.out / "final.params", arrays)
    return run
