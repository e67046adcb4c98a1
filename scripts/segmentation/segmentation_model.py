"""What the segmentation scripts share: networks by name or from a run, pictures, a score."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from toolkit.data import DataLoader
from toolkit.data.batchify import List
from toolkit.data.vision import PixelBatch, SegmentationDataset
from toolkit.data.vision.segmentation import LAYOUTS
from toolkit.loss import SegmentationLoss
from toolkit.model_zoo import get_model, load_backbone, load_weights, model_info, read_labels
from toolkit.utils.disk import atomic_write
from toolkit.utils.options import parse_options
from toolkit.utils.training import StepResult

import mxnet as mx

NOTE = "model.json"  # beside the weights of a run: how to build the network again
WEIGHTS = "final.params"


def add_data_options(parser: argparse.ArgumentParser) -> None:
    """The options that say which pictures."""
    parser.add_argument("data", type=Path, help="folder of the data set")
    parser.add_argument("--layout", choices=sorted(LAYOUTS), default="camvid", help="of DATA")


def open_data(args: argparse.Namespace, split: str) -> SegmentationDataset:
    """A split of the data, its classes named."""
    labels = read_labels(LAYOUTS[args.layout].labels)
    return SegmentationDataset(args.data, split, layout=args.layout, classes=labels)


def scoring_loader(data: SegmentationDataset) -> DataLoader:
    """All pictures in their own sizes, one by one."""
    return DataLoader(data, 1, batchify=List(), batch_transform=PixelBatch())


def build(model: str, option: Sequence[str], classes: int) -> Any:
    """A segmenter by its name or by that of its backbone, without weights."""
    return get_model(model, task="segmenter", classes=classes, **parse_options(option))


def make_net(args: argparse.Namespace, classes: int) -> Any:
    """The network to be trained: from weights of its own, a backbone's, or none."""
    net = build(args.model, args.option, classes)
    if args.weights:
        load_weights(net, args.weights, tables=model_info(args.model).renames)
        return net
    net.initialize(mx.init.MSRAPrelu())
    if args.backbone_weights:
        load_backbone(net, args.backbone_weights)
    return net


def save_note(args: argparse.Namespace, classes: Sequence[str]) -> None:
    """Writes down how the network of a run is built."""
    note = {"model": args.model, "option": args.option, "classes": list(classes)}
    args.out.mkdir(parents=True, exist_ok=True)
    with atomic_write(args.out / NOTE, "w") as file:
        json.dump(note, file, indent=1)


def open_model(model: str, weights: str | None) -> Any:
    """A network for use: that of a run's folder, or a published one."""
    folder = Path(model)
    if not (folder / NOTE).is_file():
        return get_model(model, weights or True)
    note = json.loads((folder / NOTE).read_text(encoding="utf-8"))
    net = build(note["model"], note["option"], len(note["classes"]))
    load_weights(net, folder / WEIGHTS)
    return net


def objective(loss: SegmentationLoss) -> Any:
    """``forward(net, batch)`` for ``fit`` and for ``evaluate``."""

    def forward(net: Any, batch: Any) -> StepResult:
        images, ids = batch
        scores = net.network(images)
        return StepResult(loss(scores, ids), labels=ids, outputs=scores[0])

    return forward
