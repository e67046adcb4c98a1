"""Trains a segmenter on a folder of pictures with a class for every pixel.

    python scripts/segmentation/train.py CamVid --layout camvid --model squeezenet1.0 \\
        --option head=deeplab_plus --backbone-weights FILE --out OUT

Any segmenter by name, or any backbone with ``--option head=...``; from a segmenter's weights
(``--weights``), a classifier's on its backbone (``--backbone-weights``) or none. While training,
``--val`` is scored: pixel accuracy and mean IoU, of pictures in their own sizes. OUT gets the log,
the record, checkpoints, ``final.params``, and an export that ``toolkit predict`` takes.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from toolkit import deploy
from toolkit.data import DataLoader
from toolkit.data.batchify import List
from toolkit.data.samplers import ShardedBatches, ShuffledBatches
from toolkit.data.vision import PRESETS, PixelAugment, PixelBatch, SegmentationDataset
from toolkit.loss import SegmentationLoss
from toolkit.model_zoo import get_arrays, load_weights
from toolkit.utils.checkpoints import write_params
from toolkit.utils.metrics import PixelScores
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

import segmentation_model

BACKBONE = r"^network\.backbone\."


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    segmentation_model.add_data_options(parser)
    add = parser.add_argument
    add("--train", default="train", help="split to train on")
    add("--val", default="val", help="split that is only scored; '' for none")
    add("--out", type=Path, required=True, help="folder of the run; an earlier one is resumed")
    add("--model", required=True, help="name of a segmenter or of a backbone")
    add("--option", action="append", default=[], metavar="NAME=VALUE", help="of the network")
    add("--weights", help="of the segmenter: a file")
    add("--backbone-weights", help="of the classifier on its backbone: a file or a tag")
    add("--crop", type=int, nargs=2, default=(240, 320), metavar=("HEIGHT", "WIDTH"))
    add("--scale", type=float, nargs=2, default=(0.5, 1.5), metavar=("LEAST", "MOST"))
    add("--auxiliary", type=float, default=0.4, help="weight of the auxiliary heads")
    add("--hard", type=float, help="only pixels of a lower probability than this count")
    add("--epochs", type=int, default=60)
    add("--batch-size", type=int, default=4)
    add("--optimizer", default="adamw")
    add("--learning-rate", type=float, default=1e-3, help="at the peak")
    add("--backbone-rate", type=float, default=0.1, help="of the learning rate")
    add("--freeze", metavar="PATTERN", help="names of parameters that are left as they are")
    add("--warmup", type=float, default=1.0, help="epochs to the peak; a cosine to 0 follows")
    add("--weight-decay", type=float, default=1e-4)
    add("--average", type=float, help="decay of a moving average, which is what is scored and left")
    add("--score-every", type=int, default=10, help="epochs between scores on --val")
    add("--workers", type=int, default=0, help="processes that load data")
    add("--kvstore", default="dist_sync", help="of a job that toolkit launch started")
    add("--log-every", type=int, default=8, help="updates")
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
        groups=(Group(BACKBONE, learning_rate=args.backbone_rate), *frozen),
        average=args.average,
    )


def training_loader(data: SegmentationDataset, args: argparse.Namespace, job: object) -> DataLoader:
    """This process's share of shuffled batches; a last one that is short is left out."""
    order = ShuffledBatches(len(data), args.batch_size, "discard", args.seed)
    return DataLoader(
        data,
        sampler=ShardedBatches(order, job.rank, job.size),
        transform=PixelAugment(tuple(args.crop), *args.scale),
        batchify=List(),
        batch_transform=PixelBatch(),
        workers=args.workers,
        seed=args.seed,
    )


def main(args: argparse.Namespace) -> Run:
    rule = optimization(args)
    seed_everything(args.seed)
    data = segmentation_model.open_data(args, args.train)
    net = segmentation_model.make_net(args, len(data.classes))
    net.hybridize(static_alloc=True)
    forward = segmentation_model.objective(SegmentationLoss(args.auxiliary, hard=args.hard))
    job, callbacks = join(args.kvstore), []
    if args.val:
        scored = segmentation_model.open_data(args, args.val)
        loader = segmentation_model.scoring_loader(scored)
        metrics = [PixelScores(len(data.classes))]
        every = {"every_epochs": args.score_every}
        callbacks.append(Evaluation(loader, forward=forward, metrics=metrics, **every))
    if not job.rank:
        segmentation_model.save_note(args, data.classes)
    with training_loader(data, args, job) as loader:
        run = fit(
            net,
            loader,
            forward=forward,
            optimization=rule,
            callbacks=[*callbacks, Progress(), JsonLog(), RunRecord()],
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
        save(run, net, args, data.classes)
    return run


def save(run: Run, net: object, args: argparse.Namespace, classes: tuple[str, ...]) -> None:
    """Leaves the weights, and the network as a graph for pictures like those it was trained on."""
    arrays = run.average.arrays() if run.average else get_arrays(net)
    write_params(args.out / segmentation_model.WEIGHTS, arrays)
    load_weights(net, args.out / segmentation_model.WEIGHTS)
    preset = PRESETS["segmentation_480"].stretched().with_size(tuple(args.crop))
    path = args.out / "export" / "segmenter"
    deploy.export(net, path, preprocess=preset, labels=classes)


if __name__ == "__main__":
    main(parse())
