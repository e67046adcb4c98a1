"""Trains a pose estimator on a folder of COCO's layout, in the boxes of the annotations.

    python scripts/pose/train.py COCO --train train2017 --val val2017 \\
        --model simple_pose_resnet18_v1b --backbone-weights FILE --out OUT

Any pose estimator by name, or any backbone with ``--option neck=...``; from a pose estimator's
weights (``--weights``), a classifier's on its backbone (``--backbone-weights``) or none. While
training, ``--val`` is scored: COCO's average precision of poses, and the share of joints near their
place. OUT gets the log, the record, checkpoints, ``final.params``, and an export that ``toolkit
predict`` takes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from toolkit import deploy
from toolkit.data import DataLoader
from toolkit.data.batchify import List
from toolkit.data.samplers import ShardedBatches, ShuffledBatches
from toolkit.data.vision import COCOKeypointDataset, ImagePreset, PoseAugment, PoseBatch
from toolkit.loss import HeatmapMSELoss
from toolkit.model_zoo import get_arrays, load_weights
from toolkit.utils.checkpoints import write_params
from toolkit.utils.metrics import HeatmapAccuracy
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
    fit,
    join,
    seed_everything,
    warm_cosine,
)

import pose_model
from pose_scores import PoseScores


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    pose_model.add_data_options(parser)
    add = parser.add_argument
    add("--train", default="train2017", help="split to train on")
    add("--val", default="val2017", help="split that is only scored; '' for none")
    add("--out", type=Path, required=True, help="folder of the run; an earlier one is resumed")
    add("--model", required=True, help="name of a pose estimator or of a backbone")
    add("--option", action="append", default=[], metavar="NAME=VALUE", help="of the network")
    add("--weights", help="of the pose estimator: a file")
    add("--backbone-weights", help="of the classifier on its backbone: a file or a tag")
    add("--size", type=int, nargs=2, default=(256, 192), metavar=("HEIGHT", "WIDTH"))
    add("--scale", type=float, default=0.25, help="windows are scaled by up to this share")
    add("--turn", type=float, default=30.0, help="degrees; deviation, and half of the most")
    add("--mirrored", type=float, default=0.5, help="probability of the mirror image")
    add("--half", type=float, default=0.0, help="probability of half a body")
    add("--color", type=float, default=0.0, help="colours change by up to this share")
    add("--deviation", type=float, default=2.0, help="of the bells, in cells of the maps")
    add("--exact", action="store_true", help="bells are around places, not around cells")
    add("--epochs", type=int, default=140)
    add("--batch-size", type=int, default=32)
    add("--optimizer", default="adamw")
    add("--learning-rate", type=float, default=1e-3, help="at the peak")
    add("--backbone-rate", type=float, default=1.0, help="of the learning rate")
    add("--freeze", metavar="PATTERN", help="names of parameters that are left as they are")
    add("--warmup", type=float, default=1.0, help="epochs to the peak; a cosine to 0 follows")
    add("--weight-decay", type=float, default=1e-4)
    add("--average", type=float, help="decay of a moving average, which is what is scored and left")
    add("--score-every", type=int, default=10, help="epochs between scores on --val")
    add("--workers", type=int, default=0, help="processes that load data")
    add("--kvstore", default="dist_sync", help="of a job that toolkit launch started")
    add("--log-every", type=int, default=20, help="updates")
    add("--seed", type=int, default=1)
    return parser.parse_args(arguments)


def optimization(args: argparse.Namespace) -> Optimization:
    """The optimizer under a warm-up and a cosine."""
    try:
        schedule = warm_cosine(args.learning_rate, args.epochs, args.warmup)
    except ValueError as error:
        raise SystemExit(f"error: --warmup and --epochs: {error}") from error
    frozen = [Group(args.freeze, frozen=True)] if args.freeze else []
    return Optimization(
        args.optimizer,
        schedule,
        weight_decay=args.weight_decay,
        groups=(Group(r"^backbone\.", learning_rate=args.backbone_rate), *frozen),
        average=args.average,
    )


def training_loader(
    data: COCOKeypointDataset, args: argparse.Namespace, job: object, batch: PoseBatch
) -> DataLoader:
    """This process's share of shuffled batches; a last one that is short is left out."""
    order = ShuffledBatches(len(data), args.batch_size, "discard", args.seed)
    augment = PoseAugment(
        tuple(args.size),
        scale=args.scale,
        turn=args.turn,
        flip=args.mirrored,
        half=args.half,
        color=args.color,
        skeleton=data.skeleton,
    )
    return DataLoader(
        data,
        sampler=ShardedBatches(order, job.rank, job.size),
        transform=augment,
        batchify=List(),
        batch_transform=batch,
        workers=args.workers,
        seed=args.seed,
    )


def scoring(args: argparse.Namespace, forward: object, batch: PoseBatch) -> list[Evaluation]:
    """Scores on ``--val``."""
    if not args.val:
        return []
    data = pose_model.open_data(args, args.val)
    loader = pose_model.scoring_loader(data, data.skeleton, args.size, args.batch_size, batch)
    metrics = [PoseScores(data, stride=batch.stride, brief=True), HeatmapAccuracy()]
    every = args.score_every
    return [Evaluation(loader, forward=forward, metrics=metrics, every_epochs=every)]


def main(args: argparse.Namespace) -> Run:
    rule = optimization(args)
    seed_everything(args.seed)
    data = pose_model.open_data(args, args.train)
    labels = data.skeleton.labels
    net = pose_model.make_net(args, labels)
    net.hybridize(static_alloc=True)
    forward = pose_model.objective(HeatmapMSELoss())
    preset = pose_model.preset_of(args.model, args.size)
    targets = {"deviation": args.deviation, "exact": args.exact}
    batch = pose_model.batch_of(net, preset, **targets)
    job = join(args.kvstore)
    if not job.rank:
        pose_model.save_note(args, labels)
    with training_loader(data, args, job, batch) as loader:
        run = fit(
            net,
            loader,
            forward=forward,
            optimization=rule,
            callbacks=[*scoring(args, forward, batch), Progress(), JsonLog(), RunRecord()],
            epochs=args.epochs,
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
        save(run, net, args, preset=preset, labels=labels)
    return run


def save(
    run: Run,
    net: object,
    args: argparse.Namespace,
    *,
    preset: ImagePreset,
    labels: tuple[str, ...],
) -> None:
    """Leaves the weights, and the network as a graph for persons of the size it was trained on."""
    arrays = run.average.arrays() if run.average else get_arrays(net)
    write_params(args.out / pose_model.WEIGHTS, arrays)
    load_weights(net, args.out / pose_model.WEIGHTS)
    deploy.export(net, args.out / "export" / "pose", preprocess=preset, labels=labels)


if __name__ == "__main__":
    main(parse())
