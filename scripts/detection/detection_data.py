"""Pictures with boxes for the detection scripts: which kind of folder it is, and how to open it."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from toolkit.data import DataLoader
from toolkit.data.batchify import List
from toolkit.data.samplers import ShardedBatches, ShuffledBatches
from toolkit.data.vision import BoxBatch, VOCDetectionDataset, transforms

Opener = Callable[..., Any]  # (folder, split, classes=, invalid=) to samples with ``classes``


def open_voc(path: Path, split: str, *, classes: Sequence[str] | None, invalid: str) -> Any:
    """A folder of VOC's layout; several splits are joined by a comma."""
    return VOCDetectionDataset(path, split.split(","), classes=classes, invalid=invalid)


# What is in a folder of each kind, and how it is opened.
FORMATS: Mapping[str, tuple[str, Opener]] = {
    "voc": ("**/ImageSets/Main/*.txt", open_voc),
}


def open_boxes(
    path: Path, split: str, *, classes: Sequence[str] | None = None, invalid: str = "raise"
) -> Any:
    """Samples ``(image, boxes, ids, difficult)`` of a folder of any of ``FORMATS``."""
    for pattern, opener in FORMATS.values():
        if next(iter(path.glob(pattern)), None) is not None:
            return opener(path, split, classes=classes, invalid=invalid)
    kinds = ", ".join(f"{name} ({pattern})" for name, (pattern, _) in FORMATS.items())
    raise SystemExit(f"error: {path} is no folder of pictures with boxes; known: {kinds}")


def shrunk(data: Any, side: int) -> list[tuple[Any, ...]]:
    """All samples in memory, pictures with a longer side than ``side`` brought down to it."""
    samples = []
    for image, boxes, *rest in data:
        scale = min(side / max(image.shape[:2]), 1.0)
        size = tuple(max(round(length * scale), 1) for length in image.shape[:2])
        samples.append((*transforms.resize_with_boxes(image, boxes, size), *rest))
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
