"""Trains a detector on a folder of pictures with boxes.

    python scripts/detection/train.py DATA --model ssd_512_mobilenet1.0_custom --out OUT

Any detector by name, or any backbone with ``--task``; from a detector's weights (``--weights``), a
backbone's (``--backbone-weights``) or none; or, with the folder of a run as ``--model``, on from
what that run learned, at another size, on other classes or with other options. While training,
``--val`` is scored: VOC's mean average precision, or COCO's on its folders. OUT gets the log, the
record, checkpoints and ``final.params``.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from toolkit.data.vision import AUGMENTS, BoxAugment
from toolkit.model_zoo import get_arrays
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
    fit,
    join,
    seed_everything,
    warm_cosine,
)

import detection_data
import detection_model
import detection_scores

OPTIONS = {"sgd": {"momentum": 0.9}, "nag": {"momentum": 0.9}}  # of optimizers
BACKBONE = r"^network\.(features\.)?(backbone|top)\."


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("data", type=Path, help="folder of VOC's or COCO's layout, or of .lst or .rec files")
    add("--train", default="train", help="split to train on; several are joined by a comma")
    add("--val", default="val", help="split that is only scored; '' for none")
    add("--classes", help="names, by comma; default those found in the training split")
    add("--invalid", default="raise", help="boxes that are none: raise, skip, clip")
    add("--on-error", default="raise", help="pictures that cannot be read: raise, skip")
    add("--out", type=Path, required=True, help="folder of the run; an earlier one is resumed")
    detection_model.add_model_options(parser)
    add("--weights", nargs="?", const=True, help="of the detector: a tag, a file, the published")
    add("--backbone-weights", nargs="?", const=True, help="of the classifier on its backbone")
    add_recipe_options(parser)
    args = detection_model.adopt_run(parser.parse_args(arguments))
    parser.set_defaults(**detection_model.family_of(args).defaults)
    return detection_model.adopt_run(parser.parse_args(arguments))


def add_recipe_options(parser: argparse.ArgumentParser) -> None:
    """How the network is trained; a family may have other defaults."""
    add = parser.add_argument
    add("--augment", choices=sorted(AUGMENTS), help="changes of pictures; default the family's")
    add("--upside-down", type=float, help="probability of mirroring top to bottom")
    add("--multi-scale", type=int, default=0, help="sizes to either side of --size, by stride")
    add("--mixup", type=float, default=0.0, metavar="ALPHA", help="0 for none; 1.5 is usual")
    add("--epochs", type=int, default=60)
    add("--batch-size", type=int, default=8)
    add("--optimizer", default="nag")
    add("--learning-rate", type=float, default=0.001, help="at the peak")
    add("--backbone-rate", type=float, default=1.0, help="of the learning rate")
    add("--freeze", metavar="PATTERN", help="names of parameters that are left as they are")
    add("--warmup", type=float, default=1.0, help="epochs to the peak; a cosine to 0 follows")
    add("--weight-decay", type=float, default=5e-4)
    add("--clip-norm", type=float, default=None, help="largest norm of a gradient")
    add("--average", type=float, help="decay of a moving average, which is what is scored and left")
    add("--negatives", type=int, default=0, help="SSD: least background anchors of an image")
    add("--regions", type=int, default=128, help="R-CNN: of an image, that the heads learn from")
    add("--smoothing", type=float, default=0.0, help="YOLOv3: of the classes")
    add("--score-every", type=int, default=5, help="epochs between scores on --val")
    add("--hold", type=int, metavar="SIDE", help="keep pictures in memory, of at most this side")
    add("--workers", type=int, default=0, help="processes that load data")
    add("--kvstore", default="dist_sync", help="of a job that toolkit launch started")
    add("--log-every", type=int, default=20, help="updates")
    add("--seed", type=int, default=1)


def sizes_of(args: argparse.Namespace, size: int, stride: int) -> tuple[tuple[int, int], ...]:
    """The sizes that batches draw from."""
    step = max(stride, 32)
    sides = [size + step * i for i in range(-args.multi_scale, args.multi_scale + 1)]
    if sides[0] < step:
        raise SystemExit(f"error: --multi-scale {args.multi_scale} goes below {step} pixels")
    return tuple((side, side) for side in sides)


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
        options=OPTIONS.get(args.optimizer, {}),
        weight_decay=args.weight_decay,
        clip_norm=args.clip_norm,
        groups=(Group(BACKBONE, learning_rate=args.backbone_rate), *frozen),
        average=args.average,
    )


def augment_of(args: argparse.Namespace) -> BoxAugment:
    """How pictures are changed."""
    augment = AUGMENTS[args.augment] if args.augment else detection_model.family_of(args).augment
    return augment if args.upside_down is None else replace(augment, upside_down=args.upside_down)


def evaluation(
    args: argparse.Namespace, classes: list[str], *, batch: Any, scored: Any
) -> Evaluation:
    """VOC07's mean average precision, or COCO's, on the split that is only scored."""
    options = {"invalid": args.invalid, "masks": detection_model.family_of(args).masks}
    data = detection_data.open_boxes(args.data, args.val, classes=classes, **options)
    return Evaluation(
        detection_data.scoring_loader(data, args.batch_size, batch=batch),
        forward=scored,
        metrics=[detection_scores.scores_of(data, batch.preset, brief=True)],
        every_epochs=args.score_every,
    )


def main(args: argparse.Namespace) -> Run:
    rule = optimization(args)
    seed_everything(args.seed)
    names = args.classes.split(",") if args.classes else None
    family = detection_model.family_of(args)
    options = {"invalid": args.invalid, "masks": family.masks, "crowd": False}
    data = detection_data.open_boxes(args.data, args.train, classes=names, **options)
    classes = list(data.classes)
    net, preset = detection_model.make_net(args, classes), detection_model.preset_of(args)
    net.hybridize(static_alloc=True)
    sizes = sizes_of(args, min(preset.size), family.stride)
    targets = family.targets(net, sizes)
    objective, scored = family.objective(args)
    job, callbacks = join(args.kvstore), []
    if args.val:
        batch = family.batch(preset, targets=targets)
        callbacks.append(evaluation(args, classes, batch=batch, scored=scored))
    if not job.rank:
        detection_model.save_note(args, classes)
    samples = detection_data.shrunk(data, args.hold) if args.hold else data
    batch = family.batch(preset, sizes=sizes, mixup=args.mixup, targets=targets)
    loader = detection_data.training_loader(
        samples, args, job, augment=augment_of(args), batch=batch
    )
    how = {"forward": objective, "optimization": rule, "callbacks": callbacks}
    return train(net, loader, how, args=args, job=job)


def train(net: Any, loader: Any, how: dict[str, Any], *, args: argparse.Namespace, job: Any) -> Run:
    """Trains; leaves log, record, checkpoints and ``final.params`` in ``args.out``."""
    with loader:
        run = fit(
            net,
            loader,
            **{**how, "callbacks": [*how["callbacks"], Progress(), JsonLog(), RunRecord()]},
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
    if loader.skipped:
        print(f"{loader.skipped} samples were left out, since they could not be loaded")
    if not job.rank:
        arrays = run.average.arrays() if run.average else get_arrays(net)
        write_params(args.out / "final.params", arrays)
    return run


if __name__ == "__main__":
    main(parse())
