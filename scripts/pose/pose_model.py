"""What the pose scripts share: networks by name or from a run, persons, an objective."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from toolkit.data import DataLoader
from toolkit.data.batchify import List
from toolkit.data.vision import (
    PRESETS,
    COCOKeypointDataset,
    ImagePreset,
    PersonCrop,
    PoseBatch,
)
from toolkit.loss import HeatmapMSELoss
from toolkit.model_zoo import get_model, load_backbone, load_weights, model_info
from toolkit.utils.disk import atomic_write
from toolkit.utils.options import parse_options
from toolkit.utils.registry import unknown
from toolkit.utils.skeletons import Skeleton
from toolkit.utils.training import StepResult

import mxnet as mx

NOTE = "model.json"  # beside the weights of a run: how to build the network again
WEIGHTS = "final.params"
FILES = "**/annotations/person_keypoints_*.json"


def open_data(
    args: argparse.Namespace, split: str, detections: Path | None = None
) -> COCOKeypointDataset:
    """The persons of a split, such as ``train2017``, of a folder of COCO's layout.

    With ``detections``, a result file of a detector, those that are found there.
    """
    files = {path.stem.rpartition("_")[2]: path for path in sorted(args.data.glob(FILES))}
    if split not in files:
        raise SystemExit(f"error: {args.data}: {unknown('split', split, files)}")
    options = {"least": args.least, "invalid": args.invalid, "detections": detections}
    return COCOKeypointDataset(files[split], **options)


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """The options that say which persons."""
    add = parser.add_argument
    add("data", type=Path, help="folder of COCO's layout, with person_keypoints_SPLIT.json")
    add("--least", type=int, default=1, help="labelled joints of a person, at least")
    add("--invalid", default="raise", help="what is done with boxes that are none: skip, clip")


def scoring_loader(
    data: Any, skeleton: Skeleton, size: Sequence[int], batch_size: int, batch: PoseBatch
) -> DataLoader:
    """All persons, cut out around their boxes, in order."""
    crop = PersonCrop(tuple(size), skeleton=skeleton)
    return DataLoader(data, batch_size, transform=crop, batchify=List(), batch_transform=batch)


def build(model: str, option: Sequence[str], labels: Sequence[str]) -> Any:
    """A pose estimator by its name or by that of its backbone, without weights."""
    return get_model(model, task="pose_estimator", classes=list(labels), **parse_options(option))


def make_net(args: argparse.Namespace, labels: Sequence[str]) -> Any:
    """The network to be trained: from weights of its own, a backbone's, or none."""
    net = build(args.model, args.option, labels)
    if args.weights:
        load_weights(net, args.weights, tables=model_info(args.model).renames)
        return net
    net.initialize(mx.init.MSRAPrelu())
    if args.backbone_weights:
        load_backbone(net, args.backbone_weights)
    return net


def save_note(args: argparse.Namespace, labels: Sequence[str]) -> None:
    """Writes down how the network of a run is built, and what it sees."""
    note = {
        "model": args.model,
        "option": args.option,
        "size": list(args.size),
        "labels": list(labels),
    }
    args.out.mkdir(parents=True, exist_ok=True)
    with atomic_write(args.out / NOTE, "w") as file:
        json.dump(note, file, indent=1)


def preset_of(model: str, size: Sequence[int] | None) -> ImagePreset:
    """What the network sees: of a pose estimator's name its own normalization."""
    info = model_info(model)
    name = info.preprocess if info.task == "pose_estimator" else None
    preset = PRESETS[name or "pose_256"]
    return preset.with_size(tuple(size)) if size else preset


def batch_of(net: Any, preset: ImagePreset, **options: Any) -> PoseBatch:
    """What makes batches for a network."""
    return PoseBatch(preset.mean, preset.std, stride=net.stride, **options)


def open_model(
    model: str, weights: str | None, size: Sequence[int] | None
) -> tuple[Any, ImagePreset]:
    """A network for use, that of a run's folder or a published one, and what it sees."""
    folder = Path(model)
    if not (folder / NOTE).is_file():
        return get_model(model, weights or True), preset_of(model, size)
    note = json.loads((folder / NOTE).read_text(encoding="utf-8"))
    net = build(note["model"], note["option"], note["labels"])
    load_weights(net, folder / WEIGHTS)
    return net, preset_of(note["model"], size or note["size"])


def objective(loss: HeatmapMSELoss) -> Any:
    """``forward(net, batch)`` for ``fit`` and for ``evaluate``."""

    def forward(net: Any, batch: Any) -> StepResult:
        maps, weights = batch["maps"], batch["weights"]
        found = net(batch["images"])
        labels = (maps, weights, batch["back"])
        return StepResult(loss(found, maps, weights), labels=labels, outputs=found)

    return forward
