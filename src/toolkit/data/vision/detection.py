"""What pictures with boxes go through on their way to a detector, as data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.data.vision.presets import ImagePreset
from toolkit.data.vision.transforms.boxes import (
    GRAY,
    SHARES,
    flip_with_boxes,
    random_constrained_crop,
    random_expand,
    resize_with_boxes,
)
from toolkit.data.vision.transforms.color import color_jitter
from toolkit.data.vision.transforms.mixing import mixup_boxes
from toolkit.data.vision.transforms.tensor import normalize
from toolkit.utils.boxes import clean

Sample = tuple[np.ndarray, ...]  # image, boxes, ids, difficult and, if any, masks
# From boxes (N, R, 4), ids (N, R), weights (N, R), (height, width) to arrays of N rows each.
Targets = Callable[[np.ndarray, np.ndarray, np.ndarray, tuple[int, int]], Sequence[np.ndarray]]


@dataclass(frozen=True)
class BoxAugment:
    """Random changes of a picture and its boxes in training; a field of 0 leaves a change out.

    Called with a sample ``(image, boxes, ids, difficult)`` and a generator it gives another; the
    picture, uint8, may have any size. Boxes without area, or out of the picture, are dropped.
    Masks ``(R, H, W)`` uint8, where a sample has them last, move with the picture.
    """

    brightness: float = 0.125
    contrast: float = 0.5
    saturation: float = 0.5
    hue: float = 0.05  # of the whole circle
    expand: float = 0.5  # probability that the picture is laid on a larger one,
    largest: float = 4.0  # of at most so many times its sides
    crop: float = 1.0  # probability that a part is cut out,
    least: float = 0.3  # of at least so much of its sides,
    shares: tuple[float, ...] = SHARES  # with at least such a share of an object
    flip: float = 0.5  # probability of the mirror image, left to right
    upside_down: float = 0.0  # and of that top to bottom

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Changes one picture."""
        image, boxes, ids, difficult, *masks = sample
        boxes, kept = clean(boxes, *image.shape[:2])
        boxes, ids, difficult = boxes[kept], ids[kept], difficult[kept]
        image = color_jitter(
            image,
            rng,
            brightness=self.brightness,
            contrast=self.contrast,
            saturation=self.saturation,
            hue=self.hue,
        )
        if masks:  # as further channels, which move with the others
            image = np.concatenate([image, masks[0][kept].transpose(1, 2, 0)], 2)
        if rng.random() < self.expand:
            fill = (*GRAY, *[0] * (image.shape[2] - len(GRAY)))
            image, boxes = random_expand(image, boxes, rng, largest=self.largest, fill=fill)
        if rng.random() < self.crop:
            image, boxes, left = random_constrained_crop(
                image, boxes, rng, least=self.least, shares=self.shares
            )
            boxes, ids, difficult = boxes[left], ids[left], difficult[left]
            if masks:
                image = image[:, :, [0, 1, 2, *(3 + np.flatnonzero(left))]]
        for probability, vertical in ((self.flip, False), (self.upside_down, True)):
            if rng.random() < probability:
                image, boxes = flip_with_boxes(image, boxes, vertical=vertical)
        if not masks:
            return image, boxes, ids, difficult
        planes = np.ascontiguousarray(image[:, :, 3:].transpose(2, 0, 1))
        return np.ascontiguousarray(image[:, :, :3]), boxes, ids, difficult, planes


@dataclass(frozen=True)
class BoxBatch:
    """Makes a batch of samples ``(image, boxes, ids, difficult)``, all resized to one size.

    It is the ``batch_transform`` of a loader whose ``batchify`` is ``List()``, so that it runs in
    the loader's workers. A batch is a dict:

    ===========  ==================================================================
    ``images``   ``(N, 3, H, W)`` float32, normalized
    ``labels``   boxes ``(N, R, 4)`` in pixels of ``images``, ids ``(N, R)`` and difficult
                 ``(N, R)``, all float32 and filled up with -1
    ``targets``  what ``targets`` made of them, a tuple
    ===========  ==================================================================
    """

    preset: ImagePreset  # its size and normalization; boxes follow a resize, not a crop
    sizes: tuple[tuple[int, int], ...] = ()  # of which each batch draws one; none: the preset's
    mixup: float = 0.0  # alpha of the weights of pairs of pictures; 0 mixes none
    targets: Targets | None = None

    def __post_init__(self) -> None:
        if self.preset.resize is not None:
            raise ValueError(
                f"preset {self.preset.name!r} does not resize straight to its size, as a batch "
                "needs; 'ssd_512' does"
            )

    def __call__(self, samples: Sequence[Sample], rng: np.random.Generator) -> dict[str, Any]:
        """Makes one batch."""
        sizes = self.sizes or (self.preset.size,)
        size = sizes[int(rng.integers(len(sizes)))]
        images, rows = [], []
        for image, boxes, ids, difficult in samples:
            image, boxes = resize_with_boxes(image, boxes, size, self.preset.interpolation)
            boxes, kept = clean(boxes, *size)
            images.append(normalize(image, self.preset.mean, self.preset.std))
            rows.append((boxes[kept], ids[kept], difficult[kept]))
        batch: tuple[np.ndarray, ...] = (np.stack(images), *pad_boxes(rows))
        weights = (batch[2] >= 0).astype(np.float32)
        if self.mixup:
            *mixed, weights = mixup_boxes(batch, rng, alpha=self.mixup)
            batch = tuple(mixed)
        found = self.targets(batch[1], batch[2], weights, size) if self.targets else ()
        return {"images": batch[0], "labels": batch[1:], "targets": tuple(found)}


def pad_boxes(
    rows: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes, ids and difficult of N images as arrays of one length, at least 1, filled with -1."""
    longest = max(1, *(len(ids) for _, ids, _ in rows))
    boxes = np.full((len(rows), longest, 4), -1, np.float32)
    ids, difficult = (np.full((len(rows), longest), -1, np.float32) for _ in range(2))
    for place, fields in enumerate(rows):
        for array, values in zip((boxes, ids, difficult), fields, strict=True):
            array[place, : len(values)] = values
    return boxes, ids, difficult


# What the published networks were trained with, and what suits pictures that are few.
AUGMENTS = {
    "ssd": BoxAugment(),
    "yolo3": BoxAugment(),
    "center_net": BoxAugment(0.4, 0.4, 0.4, 0, largest=1.6, least=0.6),
    "rcnn": BoxAugment(0, 0, 0, 0, expand=0, crop=0),
    "light": BoxAugment(expand=0.3, largest=1.5, least=0.6),
    "none": BoxAugment(0, 0, 0, 0, expand=0, crop=0, flip=0),
}
