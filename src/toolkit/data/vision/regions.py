"""Batches of pictures that keep their aspect, as R-CNNs learn from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.data.vision.detection import Sample, pad_boxes
from toolkit.data.vision.presets import ImagePreset
from toolkit.data.vision.transforms.boxes import resize_with_boxes
from toolkit.data.vision.transforms.geometry import resize
from toolkit.data.vision.transforms.tensor import normalize
from toolkit.utils.boxes import clean

# From boxes (N, R, 4), ids (N, R), sizes (N, 2), (height, width) and a generator to arrays of N
# rows each.
RegionTargets = Callable[
    [np.ndarray, np.ndarray, np.ndarray, tuple[int, int], np.random.Generator],
    Sequence[np.ndarray],
]


@dataclass(frozen=True)
class RegionBatch:
    """Makes a batch of samples ``(image, boxes, ids, difficult)``, or of those with masks.

    Each picture is resized with its aspect kept and laid into the upper left corner of an image;
    the images of a batch are as large as its largest picture, their sides multiples of ``stride``.
    It is the ``batch_transform`` of a loader whose ``batchify`` is ``List()``. A batch is a dict:

    ===========  ==================================================================
    ``images``   ``(N, 3, H, W)`` float32, normalized, 0 where there is no picture
    ``sizes``    height and width of each picture within, ``(N, 2)`` float32
    ``scales``   what its height and width were multiplied by, ``(N, 2)`` float32
    ``labels``   boxes ``(N, R, 4)`` in pixels of ``images``, ids ``(N, R)`` and difficult
                 ``(N, R)``, all float32 and filled up with -1
    ``masks``    ``(N, R, H, W)`` uint8, where samples have masks
    ``targets``  what ``targets`` made of them, a tuple
    ===========  ==================================================================

    Raises:
        ValueError: the preset does not keep the aspect, or the stride is below 1.
    """

    preset: ImagePreset
    shorts: tuple[int, ...] = ()  # shorter sides, of which each batch draws one; none: the preset's
    stride: int = 1
    targets: RegionTargets | None = None

    def __post_init__(self) -> None:
        if self.preset.longest is None:
            raise ValueError(
                f"preset {self.preset.name!r} does not keep the aspect of pictures, as one with "
                "longest= does, such as 'rcnn_600'"
            )
        if self.stride < 1:
            raise ValueError(f"stride must be at least 1, got {self.stride!r}")

    def __call__(self, samples: Sequence[Sample], rng: np.random.Generator) -> dict[str, Any]:
        """Makes one batch."""
        preset = self.preset
        if self.shorts:
            preset = preset.with_size(self.shorts[int(rng.integers(len(self.shorts)))])
        resized = [_resized(sample, preset) for sample in samples]
        sizes = np.array([sample[0].shape[:2] for sample in resized])
        height, width = (-(-int(side) // self.stride) * self.stride for side in sizes.max(0))
        images = np.zeros((len(samples), 3, height, width), np.float32)
        for image, (picture, *_) in zip(images, resized, strict=True):
            pixels = normalize(picture, preset.mean, preset.std)
            image[:, : pixels.shape[1], : pixels.shape[2]] = pixels
        labels = pad_boxes([(s[1], s[2], s[3]) for s in resized])
        before = np.array([sample[0].shape[:2] for sample in samples])
        batch: dict[str, Any] = {
            "images": images,
            "sizes": sizes.astype(np.float32),
            "scales": (sizes / before).astype(np.float32),
            "labels": labels,
        }
        if len(samples[0]) > 4:
            planes = np.zeros((*labels[1].shape, height, width), np.uint8)
            for mine, sample in zip(planes, resized, strict=True):
                objects, rows, columns = sample[4].shape
                mine[:objects, :rows, :columns] = sample[4]
            batch["masks"] = planes
        found: Sequence[np.ndarray] = ()
        if self.targets is not None:
            found = self.targets(*labels[:2], batch["sizes"], (height, width), rng)
        return {**batch, "targets": tuple(found)}


def _resized(sample: Sample, preset: ImagePreset) -> Sample:
    """A sample of the preset's size, without boxes that are none."""
    image, boxes, ids, difficult, *masks = sample
    size = preset.size_of(image)
    image, boxes = resize_with_boxes(image, boxes, size, preset.interpolation)
    boxes, kept = clean(boxes, *size)
    result = image, boxes[kept], ids[kept], difficult[kept]
    if not masks:
        return result
    planes = [resize(mask, size, "nearest") for mask in masks[0][kept]]
    return *result, np.stack(planes) if planes else np.zeros((0, *size), np.uint8)
