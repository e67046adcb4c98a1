"""Pictures with boxes for the detection scripts: which kind of folder it is, and how to open it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from toolkit.data import DataLoader
from toolkit.data.batchify import List
from toolkit.data.samplers import ShardedBatches, ShuffledBatches
from toolkit.data.vision import (
    BoxBatch,
    BoxLabelDataset,
    COCODetectionDataset,
    ImageListDataset,
    ImageRecordDataset,
    VOCDetectionDataset,
    transforms,
)
from toolkit.utils.registry import unknown

import numpy as np

# (folder, split, classes=, invalid=, masks=, crowd=) to samples with ``classes``
Opener = Callable[..., Any]


def open_voc(path: Path, split: str, *, masks: bool, crowd: bool, **options: Any) -> Any:
    """A folder of VOC's layout; several splits are joined by a comma. There are no crowds."""
    if masks:
        raise SystemExit(f"error: {path} is of VOC's layout, which has no masks of objects")
    return VOCDetectionDataset(path, split.split(","), **options)


def open_coco(path: Path, split: str, **options: Any) -> Any:
    """A folder of COCO's layout; the split is such as ``train2017``."""
    found = sorted(path.glob(f"**/annotations/instances_{split}.json"))
    if not found:
        known = [file.stem.partition("_")[2] for file in path.glob(COCO_FILES)]
        raise SystemExit(f"error: {path}: {unknown('split', split, sorted(known))}")
    return COCODetectionDataset(found[0], **options)


def open_packed(
    path: Path,
    split: str,
    *,
    kind: Callable[[Path], Any],
    suffix: str,
    masks: bool,
    crowd: bool,
    classes: Sequence[str] | None,
    invalid: str,
) -> Any:
    """A folder of a file a split with boxes in its labels, as ``im2rec`` makes them."""
    if masks:
        raise SystemExit(f"error: {path} is of {suffix} files, which have no masks of objects")
    known = sorted(file.stem for file in path.glob(f"*{suffix}"))
    if split not in known:
        raise SystemExit(f"error: {path}: {unknown('split', split, known)}")
    if classes is None:
        if not (path / NAMES).is_file():
            raise SystemExit(f"error: {path} has no {NAMES} with a class a line: give --classes")
        lines = (path / NAMES).read_text(encoding="utf-8").splitlines()
        classes = [line.strip() for line in lines if line.strip()]
    return BoxLabelDataset(kind(path / f"{split}{suffix}"), classes, invalid=invalid)


NAMES = "classes.txt"
COCO_FILES = "**/annotations/instances_*.json"
# What is in a folder of each kind, and how it is opened.
FORMATS: Mapping[str, tuple[str, Opener]] = {
    "voc": ("**/ImageSets/Main/*.txt", open_voc),
    "coco": (COCO_FILES, open_coco),
    "records": ("*.rec", partial(open_packed, kind=ImageRecordDataset, suffix=".rec")),
    "lists": ("*.lst", partial(open_packed, kind=ImageListDataset, suffix=".lst")),
}


def open_boxes(
    path: Path,
    split: str,
    *,
    classes: Sequence[str] | None = None,
    invalid: str = "raise",
    masks: bool = False,
    crowd: bool = True,
) -> Any:
    """Samples ``(image, boxes, ids, difficult)`` of a folder of any of ``FORMATS``.

    With ``masks`` these are in each sample, too. Crowds count as difficult; without ``crowd`` they
    are left out.
    """
    for pattern, opener in FORMATS.values():
        if next(iter(path.glob(pattern)), None) is not None:
            options = {"classes": classes, "invalid": invalid, "masks": masks, "crowd": crowd}
            return opener(path, split, **options)
    kinds = ", ".join(f"{name} ({pattern})" for name, (pattern, _) in FORMATS.items())
    raise SystemExit(f"error: {path} is no folder of pictures with boxes; known: {kinds}")


def shrunk(data: Any, side: int) -> list[tuple[Any, ...]]:
    """All samples in memory, pictures with a longer side than ``side`` brought down to it."""
    samples = []
    for image, boxes, ids, difficult, *masks in data:
        scale = min(side / max(image.shape[:2]), 1.0)
        size = tuple(max(round(length * scale), 1) for length in image.shape[:2])
        planes = [transforms.resize(mask, size, "nearest") for mask in (masks or [()])[0]]
        sample = (*transforms.resize_with_boxes(image, boxes, size), ids, difficult)
        empty = np.zeros((0, *size), np.uint8)
        samples.append((*sample, np.stack(planes) if planes else empty) if masks else sample)
    return samples


def training_loader(
    data: Any, args: argparse.Namespace, job: Any, *, augment: Any, batch: BoxBatch
) -> DataLoader:
    """This process's share of shuffled batches; a last one that is short is left out."""
    order = ShuffledBatches(len(data), args.batch_size, "discard", args.seed)
    return DataLoader(
        data,
        sampler=ShardedBatches(order, job.rank, job.size),
        transform=augment,
        batchify=List(),
        batch_transform=batch,
        workers=args.workers,
        seed=args.seed,
        on_error=args.on_error,
    )


def scoring_loader(data: Any, batch_size: int, *, batch: BoxBatch, workers: int = 0) -> DataLoader:
    """All of the data, unchanged but for its size."""
    return DataLoader(data, batch_size, batchify=List(), batch_transform=batch, workers=workers)
